"""What sources remember from one fetch to the next, and until when they were asked to wait.

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what this revision knows of; whatever is stored stays as it is."""
    op.add_column("source", sa.Column("memory", sa.Text(), nullable=True))
    op.add_column("source", sa.Column("paused_until", sa.String(length=32), nullable=True))

"""What links answered when they were asked, so that they are not asked again at once.

Revision ID: 0008
Revises: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what this revision knows of; whatever is stored stays as it is."""
    op.create_table(
        "link_answer",
        sa.Column("url", sa.Text(), primary_key=True),
        sa.Column("asked_at", sa.String(length=32), nullable=False),
        sa.Column("reached", sa.Boolean(), nullable=False),
        sa.Column("size", sa.Integer()),
        sa.Column("said", sa.Text(), nullable=False),
    )

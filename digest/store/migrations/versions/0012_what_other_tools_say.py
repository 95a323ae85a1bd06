"""What other tools say of how people came to them, kept with the evidence of their consent.

Revision ID: 0012
Revises: 0011
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what this revision knows of; of what is stored nothing is known."""
    op.add_column("consent", sa.Column("elsewhere", sa.Text()))

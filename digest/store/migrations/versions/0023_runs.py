"""When a run last ended, and how.

Revision ID: 0023
Revises: 0021
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what this revision knows of; whatever is stored stays as it is."""
    op.create_table(
        "last_run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("began_at", sa.String(length=32), nullable=False),
        sa.Column("ended_at", sa.String(length=32), nullable=False),
        sa.Column("well", sa.Boolean(), nullable=False),
        sa.Column("well_at", sa.String(length=32), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.CheckConstraint("id = 1", name="last_run_one"),
    )

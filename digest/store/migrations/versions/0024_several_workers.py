"""Several workers: the pace of a provider, and what is left of a canary, for all processes together.

Revision ID: 0024
Revises: 0023
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_INSTANT = sa.String(length=32)


def upgrade() -> None:
    """Add what this revision knows of; whatever is stored stays as it is."""
    op.create_table(
        "provider_pace",
        sa.Column("provider", sa.String(length=64), primary_key=True),
        sa.Column("spent_until", _INSTANT),
        sa.Column("held_until", _INSTANT),
        sa.Column("retry_at", _INSTANT),
        sa.Column("probe_until", _INSTANT),
    )
    op.create_table(
        "canary_left",
        sa.Column("issue_id", sa.Integer(), sa.ForeignKey("issue.id"), primary_key=True),
        sa.Column("left_over", sa.Integer(), nullable=False),
    )

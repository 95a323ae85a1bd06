"""Pauses of subscriptions, and what readers have had already from elsewhere.

Revision ID: 0006
Revises: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what this revision knows of; whatever is stored stays as it is."""
    op.add_column("subscription", sa.Column("paused_until", sa.String(length=32), nullable=True))
    op.add_column("issue", sa.Column("paused_readers", sa.Integer(), nullable=True))
    op.create_table(
        "had_already",
        sa.Column("article_id", sa.Integer(), nullable=False),
        sa.Column("subscriber_id", sa.Integer(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["article_id"], ["article.id"]),
        sa.PrimaryKeyConstraint("article_id", "subscriber_id"),
    )
    op.create_index("had_already_by_reader", "had_already", ["subscriber_id"])

"""An index to find one person's lines in the history by, and what letters carry that are sent at most once.

Revision ID: 0013
Revises: 0012
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what this revision knows of; whatever is stored stays as it is."""
    named = sa.text("subscriber_id IS NOT NULL")
    op.create_index("history_of", "history", ["subscriber_id"], sqlite_where=named, postgresql_where=named)
    op.add_column("letter", sa.Column("content", sa.Text(), nullable=True))
    op.add_column("letter", sa.Column("marked_at", sa.String(length=32), nullable=True))

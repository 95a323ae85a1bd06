"""What is popular: an article's own number, and the article that a click leads to.

Revision ID: 0007
Revises: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what this revision knows of; whatever is stored stays as it is."""
    op.add_column("article", sa.Column("popularity", sa.Double(), nullable=True))
    op.add_column("event", sa.Column("article_id", sa.Integer(), nullable=True))
    known = sa.text("article_id IS NOT NULL")
    op.create_index("event_of_article", "event", ["article_id"], sqlite_where=known, postgresql_where=known)

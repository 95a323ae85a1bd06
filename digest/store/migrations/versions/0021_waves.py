"""Waves: when the mails of a rendition may leave at the earliest, and in which wave a group is.

Revision ID: 0021
Revises: 0019
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add what this revision knows of; whatever is stored stays as it is."""
    op.add_column("rendition", sa.Column("opens_at", sa.String(length=32)))
    op.add_column("audience_group", sa.Column("wave", sa.Integer(), nullable=False, server_default="0"))

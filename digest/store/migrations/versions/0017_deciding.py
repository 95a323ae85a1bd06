"""Issues that go out at another time than their slot, corrections of issues, and notices to editors and to other programs.

Revision ID: 0017
Revises: 0016
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_INSTANT = sa.String(length=32)


def upgrade() -> None:
    """Add what this revision knows of; whatever is stored stays as it is."""
    op.add_column("issue", sa.Column("send_at", _INSTANT))
    op.add_column("issue", sa.Column("corrects", sa.Integer()))
    op.create_table(
        "notice",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("issue", sa.String(length=80)),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.UniqueConstraint("key"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "notice_call",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("notice_id", sa.Integer(), sa.ForeignKey("notice.id"), nullable=False),
        sa.Column("place", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("not_before", _INSTANT, nullable=False),
        sa.Column("answer", sa.Text()),
        sa.CheckConstraint("state IN ('waiting', 'told', 'given up', 'dropped')", name="notice_call_state"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "notice_call_waiting",
        "notice_call",
        ["not_before"],
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )
    op.create_table(
        "notice_point",
        sa.Column("what", sa.String(length=16), primary_key=True),
        sa.Column("seen", sa.Integer(), nullable=False),
    )
    # What has been by now is not told any more.
    op.execute("INSERT INTO notice_point (what, seen) SELECT 'issues', coalesce(max(id), 0) FROM issue_history")
    op.execute("INSERT INTO notice_point (what, seen) SELECT 'halts', coalesce(max(id), 0) FROM halt")

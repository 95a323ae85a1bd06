"""Reports as they came; and of an event which link was clicked, whether it is a machine's, and which report told it.

Revision ID: 0014
Revises: 0013
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_ONCE = ["issue_id", "subscriber_id", "kind", "occurred_at", "provider_message_id"]
_COLUMNS = (
    *("id", "issue_id", "subscriber_id", "attempt", "kind", "occurred_at"),
    *("provider", "provider_message_id", "reason", "article_id", "received_at"),
)


def upgrade() -> None:
    """Add what this revision knows of; whatever is stored stays as it is."""
    _report()
    if op.get_bind().dialect.name == "sqlite":
        _write_events_anew()
        return
    for column in _new_columns():
        op.add_column("event", column)
    op.drop_constraint("event_once", "event", type_="unique")
    op.create_unique_constraint("event_once", "event", [*_ONCE, "link"])


def _report() -> None:
    op.create_table(
        "report",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("received_at", sa.String(length=32), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("read_at", sa.String(length=32), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("unknown", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("account", sa.Text(), nullable=True),
        sa.CheckConstraint("state IN ('waiting', 'read', 'faulty')", name="report_state"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("provider", "fingerprint", name="report_once"),
        sqlite_autoincrement=True,
    )
    op.create_index("report_unknown", "report", ["id"], sqlite_where=sa.text("unknown"), postgresql_where=sa.text("unknown"))
    op.create_index("report_by_time", "report", ["received_at"])
    for state in ("waiting", "faulty"):
        only = sa.text(f"state = '{state}'")
        op.create_index(f"report_{state}", "report", ["id"], sqlite_where=only, postgresql_where=only)


def _new_columns() -> tuple[sa.Column[str], sa.Column[bool], sa.Column[int]]:
    return (
        sa.Column("link", sa.String(length=16), server_default="", nullable=False),
        sa.Column("machine", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("report_id", sa.Integer(), nullable=True),
    )


def _write_events_anew() -> None:
    """SQLite changes no key of a table that is there."""
    op.rename_table("event", "event_before")
    op.drop_index("event_of_article", "event_before")
    op.create_table(
        "event",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("issue_id", sa.Integer(), nullable=False),
        sa.Column("subscriber_id", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("occurred_at", sa.String(length=32), nullable=False),
        sa.Column("provider", sa.String(length=64), nullable=False),
        sa.Column("provider_message_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("article_id", sa.Integer(), nullable=True),
        sa.Column("received_at", sa.String(length=32), nullable=False),
        *_new_columns(),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint(*_ONCE, "link", name="event_once"),
    )
    before, after = (sa.table(name, *(sa.column(column) for column in _COLUMNS)) for name in ("event_before", "event"))
    op.execute(sa.insert(after).from_select(_COLUMNS, sa.select(*before.c).order_by(before.c.id)))
    op.drop_table("event_before")
    known = sa.text("article_id IS NOT NULL")
    op.create_index("event_of_article", "event", ["article_id"], sqlite_where=known, postgresql_where=known)

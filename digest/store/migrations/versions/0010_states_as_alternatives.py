"""SQLite's check of a delivery's state names alternatives: for the set of an `IN` it takes longer than for the row itself.

Revision ID: 0010
Revises: 0009
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_OPEN = ("planned", "claimed", "sending", "deferred", "unknown")
_STATES = (
    *("planned", "claimed", "sending", "accepted", "rejected", "deferred", "unknown"),
    *("suppressed", "cancelled", "expired", "skipped"),
)
_COLUMNS = (
    *("issue_id", "subscriber_id", "group_number", "rendition", "state", "batch_id"),
    *("attempts", "not_before", "answer", "reported", "returned"),
)


def _one_of(states: tuple[str, ...]) -> str:
    return " OR ".join(f"state = '{state}'" for state in states)


def upgrade() -> None:
    """Write the table anew, in its order; PostgreSQL compares with an array as it is, and has no order to keep."""
    if op.get_bind().dialect.name != "sqlite":
        op.drop_constraint("delivery_state", "delivery", type_="check")
        op.create_check_constraint("delivery_state", "delivery", _one_of(_STATES))
        return
    op.rename_table("delivery", "delivery_before")
    op.drop_index("delivery_open", "delivery_before")
    op.create_table(
        "delivery",
        sa.Column("issue_id", sa.Integer(), nullable=False),
        sa.Column("subscriber_id", sa.Integer(), nullable=False),
        sa.Column("group_number", sa.Integer(), nullable=False),
        sa.Column("rendition", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("batch_id", sa.Integer(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("not_before", sa.String(length=32), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("reported", sa.String(length=16), nullable=True),
        sa.Column("returned", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.CheckConstraint(_one_of(_STATES), name="delivery_state"),
        sa.PrimaryKeyConstraint("issue_id", "subscriber_id"),
    )
    before, after = (sa.table(name, *(sa.column(column) for column in _COLUMNS)) for name in ("delivery_before", "delivery"))
    in_order = sa.select(*before.c).order_by(before.c.issue_id, before.c.rendition, before.c.subscriber_id)
    op.execute(sa.insert(after).from_select(_COLUMNS, in_order))
    op.drop_table("delivery_before")
    op.create_index(
        "delivery_open",
        "delivery",
        ["issue_id", "state", "rendition", "subscriber_id"],
        sqlite_where=sa.text(_one_of(_OPEN)),
        postgresql_where=sa.text(_one_of(_OPEN)),
    )

"""What sending is guarded by: days' quotas, the kill switch, the send epoch."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, Integer, PrimaryKeyConstraint, String, Table, Text

from digest.store.tables.columns import Instant, metadata

# How many attempts each provider was given on each day (UTC): what daily quotas and warm-up plans are kept by.
provider_day = Table(
    "provider_day",
    metadata,
    Column("provider", String(64), nullable=False),
    Column("day", String(10), nullable=False),
    Column("attempts", Integer, nullable=False),
    PrimaryKeyConstraint("provider", "day"),
)

# The kill switch: while one of these is not lifted, no delivery of any issue is marked.
halt = Table(
    "halt",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("lifted_at", Instant),
    Column("lifted_by", Text),
    Index("halt_in_force", "lifted_at"),
)

# The send epoch: one row, absent until something was sent for the first time.
send_epoch = Table(
    "send_epoch",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("token", String(32), nullable=False),
    Column("at", Instant, nullable=False),
    CheckConstraint("id = 1", name="send_epoch_one"),
)

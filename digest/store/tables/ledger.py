"""The ledger: deliveries, the batches in which they are claimed, and the history."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    false,
    text,
)

from digest.store.tables.columns import Instant, metadata, one_of

DELIVERY_STATES = (
    "planned",
    "claimed",
    "sending",
    "accepted",
    "rejected",
    "deferred",
    "unknown",
    "suppressed",
    "cancelled",
    "expired",
    "skipped",
)

_IS_OPEN = one_of("state", ("planned", "claimed", "sending", "deferred", "unknown"))

delivery = Table(
    "delivery",
    metadata,
    Column("issue_id", Integer, nullable=False),
    Column("subscriber_id", Integer, nullable=False),
    Column("group_number", Integer, nullable=False),
    Column("rendition", Integer),
    Column("state", String(16), nullable=False),
    # The batch that holds it now or held it last.
    Column("batch_id", Integer),
    Column("attempts", Integer, nullable=False, server_default="0"),
    # Real time: a deferred delivery is not tried before this.
    Column("not_before", Instant),
    Column("answer", Text),
    # The furthest that the provider's events told of it: delivered, bounced or complained.
    Column("reported", String(16)),
    # Whether its articles were given back to the subscription, as owed.
    Column("returned", Boolean, nullable=False, server_default=false()),
    PrimaryKeyConstraint("issue_id", "subscriber_id"),
    CheckConstraint(one_of("state", DELIVERY_STATES), name="delivery_state"),
    Index(
        "delivery_open",
        "issue_id",
        "state",
        "rendition",
        "subscriber_id",
        sqlite_where=text(_IS_OPEN),
        postgresql_where=text(_IS_OPEN),
    ),
)

# Deliveries that were accepted and bounced, whose articles were owed anew when their address could be mailed again.
owed_anew = Table(
    "owed_anew",
    metadata,
    Column("issue_id", Integer, nullable=False),
    Column("subscriber_id", Integer, nullable=False),
    PrimaryKeyConstraint("issue_id", "subscriber_id"),
)

# How fast a provider may be used, by all processes together. Real times throughout.
provider_pace = Table(
    "provider_pace",
    metadata,
    Column("provider", String(64), primary_key=True),
    # By then what was spent of its rate has come in again.
    Column("spent_until", Instant),
    # It asked to be left alone until then.
    Column("held_until", Instant),
    # The circuit breaker is open until then, and afterwards half open until one message has come through.
    Column("retry_at", Instant),
    # Somebody tries whether one comes through, and is given until then.
    Column("probe_until", Instant),
)

# How many of an issue's canary may still be marked, by all processes together.
canary_left = Table(
    "canary_left",
    metadata,
    Column("issue_id", ForeignKey("issue.id"), primary_key=True),
    Column("left_over", Integer, nullable=False),
)

# One claim of a set of deliveries of one rendition by one process.
batch = Table(
    "batch",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("issue_id", ForeignKey("issue.id"), nullable=False),
    Column("rendition", Integer, nullable=False),
    Column("provider", String(64), nullable=False),
    Column("owner", String(64), nullable=False),
    # Real time: a claim that was not renewed until then has ended.
    Column("lease_until", Instant, nullable=False),
    # Real time: by then every request of it has an answer or has timed out.
    Column("deadline_at", Instant, nullable=False),
    Column("size", Integer, nullable=False),
    Column("finished_at", Instant),
    Index("batch_by_issue", "issue_id"),
    Index("batch_unfinished", "issue_id", sqlite_where=text("finished_at IS NULL"), postgresql_where=text("finished_at IS NULL")),
)

# The append-only history: a row per batch step, and per delivery where it departs from its batch.
history = Table(
    "history",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("issue_id", Integer, nullable=False),
    Column("batch_id", Integer),
    # NULL: the step is of `count` deliveries of the batch.
    Column("subscriber_id", Integer),
    Column("count", Integer, nullable=False),
    Column("from_state", String(16)),
    Column("to_state", String(16), nullable=False),
    Column("actor", String(64), nullable=False),
    Column("reason", Text),
    Column("at", Instant, nullable=False),
    Index("history_by_issue", "issue_id"),
    # For who asks to be forgotten: steps of a whole batch name nobody.
    Index(
        "history_of",
        "subscriber_id",
        sqlite_where=text("subscriber_id IS NOT NULL"),
        postgresql_where=text("subscriber_id IS NOT NULL"),
    ),
)

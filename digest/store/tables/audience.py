"""The audience: subscribers, what they follow and have had, where they stand, who must not be mailed."""

from __future__ import annotations

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from digest.store.tables.columns import Instant, Json, metadata

subscriber = Table(
    "subscriber",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("email", String(320), nullable=False),
    Column("address", String(320), nullable=False, unique=True),
    Column("name", Text),
    Column("language", String(35)),
    Column("timezone", String(64)),
    Column("created_at", Instant, nullable=False),
    # An id is never used twice: a link or a delivery of somebody who was erased must not become somebody else's.
    sqlite_autoincrement=True,
)

subscription = Table(
    "subscription",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("subscriber_id", ForeignKey("subscriber.id"), nullable=False),
    Column("newsletter", String(64), nullable=False),
    # Canonical topics, or '*' for all of them, today's and tomorrow's.
    Column("topics", Text, nullable=False),
    Column("frequency", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    # The arrival number up to which it has been considered.
    Column("coverage", Integer, nullable=False),
    # Owed articles with the number of issues each has waited: "12@3 15@1", by article id.
    Column("owed", Text, nullable=False, server_default=""),
    Column("created_at", Instant, nullable=False),
    Column("confirmed_at", Instant),
    Column("ended_at", Instant),
    # Of a paused one: when it goes on by itself. NULL: when somebody says so.
    Column("paused_until", Instant),
    UniqueConstraint("subscriber_id", "newsletter"),
    CheckConstraint("state IN ('pending', 'active', 'paused', 'unsubscribed')", name="subscription_state"),
    Index("subscription_audience", "newsletter", "frequency", "state"),
    sqlite_autoincrement=True,
)

# What readers have had already from elsewhere, by a person's word: it is never sent to them.
had_already = Table(
    "had_already",
    metadata,
    Column("article_id", ForeignKey("article.id"), nullable=False),
    # 0: everybody, whoever joins later too.
    Column("subscriber_id", Integer, nullable=False),
    Column("actor", Text, nullable=False),
    Column("at", Instant, nullable=False),
    PrimaryKeyConstraint("article_id", "subscriber_id"),
    Index("had_already_by_reader", "subscriber_id"),
)

suppression = Table(
    "suppression",
    metadata,
    Column("address", String(320), nullable=False),
    # '*' for everything, a newsletter's slug, or that and a topic's: 'weekly/databases'.
    Column("scope", String(129), nullable=False),
    Column("reason", String(32), nullable=False),
    Column("source", String(64), nullable=False),
    Column("created_at", Instant, nullable=False),
    PrimaryKeyConstraint("address", "scope"),
)

# Suppressions of people who were erased: of the address there is but a keyed hash, and by which key it was made.
erased_suppression = Table(
    "erased_suppression",
    metadata,
    Column("hash", String(64), nullable=False),
    Column("scope", String(129), nullable=False),
    Column("key_id", String(8), nullable=False),
    Column("reason", String(32), nullable=False),
    Column("source", String(64), nullable=False),
    Column("created_at", Instant, nullable=False),
    PrimaryKeyConstraint("hash", "scope"),
)

# Which suppressions were lifted, why, and by whom; append-only. It names nobody who is not a subscriber.
lifted_suppression = Table(
    "lifted_suppression",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("subscriber_id", Integer),
    Column("scope", String(129), nullable=False),
    # What was lifted: its reason, its source, and since when it held.
    Column("reason", String(32), nullable=False),
    Column("source", String(64), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("why", Text, nullable=False),
    Column("actor", String(64), nullable=False),
    Column("at", Instant, nullable=False),
)

# The coverage point of a frequency: where its new subscriptions start.
coverage = Table(
    "coverage",
    metadata,
    Column("newsletter", String(64), nullable=False),
    Column("frequency", String(16), nullable=False),
    Column("point", Integer, nullable=False),
    PrimaryKeyConstraint("newsletter", "frequency"),
)

# The tags by which each topic gathered articles when an issue was last frozen: whether one of them is missed.
topic_tags = Table(
    "topic_tags",
    metadata,
    Column("newsletter", String(64), nullable=False),
    Column("topic", String(64), nullable=False),
    Column("tags", Json, nullable=False),
    PrimaryKeyConstraint("newsletter", "topic"),
)

# What became of those who followed a topic, frequency, newsletter or source that was renamed or given up; append-only.
succession = Table(
    "succession",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("newsletter", String(64)),
    Column("name", String(64), nullable=False),
    # NULL: it was retired.
    Column("moved_to", String(64)),
    # How many subscriptions (of a source: articles) were moved, and how many ended.
    Column("moved", Integer, nullable=False),
    Column("ended", Integer, nullable=False),
    Column("actor", Text, nullable=False),
    Column("at", Instant, nullable=False),
)

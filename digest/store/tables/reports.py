"""What providers report of deliveries afterwards: as it came, and what it says."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from digest.store.tables.columns import Instant, Json, metadata

REPORT_STATES = ("waiting", "read", "faulty")

# What a webhook was posted, to the byte: committed before it is answered, and read afterwards.
report = Table(
    "report",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("provider", String(64), nullable=False),
    # Real time.
    Column("received_at", Instant, nullable=False),
    # SHA-256 of what was posted: the same once more is known.
    Column("fingerprint", String(64), nullable=False),
    # NULL once it is forgotten.
    Column("body", LargeBinary),
    Column("state", String(16), nullable=False),
    # Real time.
    Column("read_at", Instant),
    # Why it could not be read, in whole or in part.
    Column("reason", Text),
    # Whether it names kinds that Digest has no word for.
    Column("unknown", Boolean, nullable=False, server_default=false()),
    # How many entries of which kind it held, and the provider's words for those that Digest has no word for.
    Column("account", Json),
    UniqueConstraint("provider", "fingerprint", name="report_once"),
    CheckConstraint(f"state IN {REPORT_STATES}", name="report_state"),
    Index(
        "report_waiting",
        "id",
        sqlite_where=text("state = 'waiting'"),
        postgresql_where=text("state = 'waiting'"),
    ),
    Index(
        "report_faulty",
        "id",
        sqlite_where=text("state = 'faulty'"),
        postgresql_where=text("state = 'faulty'"),
    ),
    Index(
        "report_unknown",
        "id",
        sqlite_where=text("unknown"),
        postgresql_where=text("unknown"),
    ),
    Index("report_by_time", "received_at"),
    sqlite_autoincrement=True,
)

# What providers reported of deliveries, each told apart from its repetitions by its unique key; append-only.
event = Table(
    "event",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("issue_id", Integer, nullable=False),
    Column("subscriber_id", Integer, nullable=False),
    # Which attempt it is about; 0 when the provider does not say.
    Column("attempt", Integer, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("occurred_at", Instant, nullable=False),
    Column("provider", String(64), nullable=False),
    Column("provider_message_id", Text, nullable=False),
    Column("reason", Text),
    # Of a click: the article that its link leads to.
    Column("article_id", Integer),
    Column("received_at", Instant, nullable=False),
    # Of a click: which link, as a hash; two links clicked in one second are two clicks. Empty of everything else.
    Column("link", String(16), nullable=False, server_default=""),
    # Whether the provider itself takes it for a machine's.
    Column("machine", Boolean, nullable=False, server_default=false()),
    # The report that told it first, when one did; it may be forgotten.
    Column("report_id", Integer),
    UniqueConstraint("issue_id", "subscriber_id", "kind", "occurred_at", "provider_message_id", "link", name="event_once"),
    Index(
        "event_of_article",
        "article_id",
        sqlite_where=text("article_id IS NOT NULL"),
        postgresql_where=text("article_id IS NOT NULL"),
    ),
)

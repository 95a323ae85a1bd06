"""What providers report of deliveries afterwards."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String, Table, Text, UniqueConstraint, text

from digest.store.tables.columns import Instant, metadata

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
    UniqueConstraint("issue_id", "subscriber_id", "kind", "occurred_at", "provider_message_id", name="event_once"),
    Index(
        "event_of_article",
        "article_id",
        sqlite_where=text("article_id IS NOT NULL"),
        postgresql_where=text("article_id IS NOT NULL"),
    ),
)

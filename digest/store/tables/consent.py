"""Consent: what people agreed to and took back, and what waits until they agree."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table, Text

from digest.store.tables.columns import Instant, Json, metadata

# Evidence of what people agreed to and took back: when, by what, in which words, from where; append-only, erased with the person.
consent = Table(
    "consent",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("subscriber_id", ForeignKey("subscriber.id"), nullable=False),
    Column("newsletter", String(64), nullable=False),
    Column("act", String(16), nullable=False),
    Column("source", String(16), nullable=False),
    # What holds from then on.
    Column("topics", Text, nullable=False),
    Column("frequency", String(16), nullable=False),
    # What held until then, by name; NULL where nothing did, or nothing changed.
    Column("before", Json),
    # What they were told when they agreed, and which version of it that is.
    Column("wording", Text),
    Column("wording_version", String(16)),
    # The network that it came from: an address without its last part.
    Column("origin", String(64)),
    Column("at", Instant, nullable=False),
    # What the tool that they were imported from says of it: which one, when they asked there and confirmed.
    Column("elsewhere", Json),
    Index("consent_of", "subscriber_id", "newsletter"),
)

# Sign-ups that wait for their confirmation. Of who never confirms nothing stays.
asking = Table(
    "asking",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("email", String(320), nullable=False),
    Column("address", String(320), nullable=False),
    Column("newsletter", String(64), nullable=False),
    Column("topics", Text, nullable=False),
    Column("frequency", String(16), nullable=False),
    Column("timezone", String(64)),
    Column("language", String(35)),
    Column("source", String(16), nullable=False),
    Column("wording", Text, nullable=False),
    Column("wording_version", String(16), nullable=False),
    Column("origin", String(64)),
    Column("at", Instant, nullable=False),
    Column("confirmed_at", Instant),
    Index("asking_by_address", "address"),
    Index("asking_by_time", "at"),
    sqlite_autoincrement=True,
)

# Who was asked whether they want to go on, by the sunset rule; the last time alone.
question = Table(
    "question",
    metadata,
    Column("subscription_id", Integer, primary_key=True, autoincrement=False),
    Column("asked_at", Instant, nullable=False),
    # When the provider took the letter: NULL before that, and where it never did. The grace begins here.
    Column("sent_at", Instant),
)

# Somebody wants to be written to elsewhere: both addresses have to agree.
address_change = Table(
    "address_change",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("subscriber_id", ForeignKey("subscriber.id"), nullable=False),
    Column("email", String(320), nullable=False),
    Column("address", String(320), nullable=False),
    Column("at", Instant, nullable=False),
    Column("old_agreed_at", Instant),
    Column("new_agreed_at", Instant),
    Column("done_at", Instant),
    Index("address_change_of", "subscriber_id"),
    sqlite_autoincrement=True,
)

"""Letters, and the tallies that keep pages from causing too many of them."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, Integer, PrimaryKeyConstraint, String, Table, Text, text

from digest.store.tables.columns import Instant, Json, metadata

# Mails that are no issue's run's: confirmations and their like, of which a doubtful one is sent again, and the issue that welcomes
# somebody, which is not.
letter = Table(
    "letter",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", String(16), nullable=False),
    # Of which asking, change of address or subscription it speaks, by its kind.
    Column("about", Integer, nullable=False),
    Column("email", String(320), nullable=False),
    Column("address", String(320), nullable=False),
    Column("language", String(35), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    # Real time: nobody tries it before this. Who tries it moves it ahead first, so that two never do at once.
    Column("not_before", Instant, nullable=False),
    Column("answer", Text),
    # What a welcome holds: the issue, and which of its articles stand where.
    Column("content", Json),
    # Real time: when a welcome was about to be handed over. Who died after that has left a doubt, and it is not sent again.
    Column("marked_at", Instant),
    CheckConstraint("state IN ('waiting', 'sent', 'rejected', 'dropped', 'given up')", name="letter_state"),
    Index(
        "letter_waiting",
        "not_before",
        sqlite_where=text("state = 'waiting'"),
        postgresql_where=text("state = 'waiting'"),
    ),
    Index("letter_by_address", "address"),
    sqlite_autoincrement=True,
)

# How often something was asked for, by a hash of who asked and the minute: what limits are kept by, and thrown away after a day.
tally = Table(
    "tally",
    metadata,
    Column("key", String(64), nullable=False),
    Column("minute", Instant, nullable=False),
    Column("many", Integer, nullable=False),
    PrimaryKeyConstraint("key", "minute"),
)

"""What came back by mail, and what was made of it."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, LargeBinary, String, Table, Text

from digest.store.tables.columns import Instant, metadata

# Mails that came to the bounce address: each once, by the digest of its bytes. Thrown away after a while.
returned_mail = Table(
    "returned_mail",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("received_at", Instant, nullable=False),
    # By what it came: mailbox or pipe.
    Column("source", String(16), nullable=False),
    Column("sort", String(24), nullable=False),
    Column("outcome", String(24), nullable=False),
    # What it is, in words that name nobody.
    Column("about", Text, nullable=False),
    # Whose delivery it is about, as its token says.
    Column("subscriber_id", Integer),
    # The mail itself, of those with which nothing could be done.
    Column("raw", LargeBinary),
    Index("returned_mail_by_time", "received_at"),
    Index("returned_mail_of", "subscriber_id"),
    sqlite_autoincrement=True,
)

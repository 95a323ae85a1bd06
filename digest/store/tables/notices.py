"""Notices: what editors and other programs are told of issues, each once, and the calls that tell other programs."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, String, Table, Text, text

from digest.store.tables.columns import Instant, metadata

# `key` says of what it is, so that nothing is told twice: such as `history 17`, or `reminder weekly/12 ...`.
notice = Table(
    "notice",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", String(120), nullable=False, unique=True),
    Column("kind", String(16), nullable=False),
    # The name, where it is of one.
    Column("issue", String(80)),
    Column("title", Text, nullable=False),
    Column("words", Text, nullable=False),
    Column("at", Instant, nullable=False),
    sqlite_autoincrement=True,
)

# One call to one address. Addresses of that kind hold secrets: here stands a hash of it, by which the configuration is asked.
notice_call = Table(
    "notice_call",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("notice_id", ForeignKey("notice.id"), nullable=False),
    Column("place", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    # Real time: nobody tries it before this. Who tries it moves it ahead first, so that two never do at once.
    Column("not_before", Instant, nullable=False),
    Column("answer", Text),
    CheckConstraint("state IN ('waiting', 'told', 'given up', 'dropped')", name="notice_call_state"),
    Index(
        "notice_call_waiting",
        "not_before",
        sqlite_where=text("state = 'waiting'"),
        postgresql_where=text("state = 'waiting'"),
    ),
    sqlite_autoincrement=True,
)

# How far the issues' histories, and the halts, have been looked through for what is to be told.
notice_point = Table(
    "notice_point",
    metadata,
    Column("what", String(16), primary_key=True),
    Column("seen", Integer, nullable=False),
)

"""Editors: links that let them in, who is signed in, tokens of other programs, what was done, and what each revision of an issue holds of their edits."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Index, Integer, PrimaryKeyConstraint, String, Table, Text

from digest.store.tables.columns import Instant, Json, metadata

# A link lets somebody in, once. Whoever asks makes one: whether the address is an editor's is looked at when it is used.
editor_link = Table(
    "editor_link",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("email", String(320), nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("used_at", Instant),
    sqlite_autoincrement=True,
)

# Who is signed in. The hash is of the secret that their browser has.
editor_session = Table(
    "editor_session",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("hash", String(64), nullable=False),
    Column("email", String(320), nullable=False),
    Column("began_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("revoked_at", Instant),
    Column("origin", String(64)),
    Column("browser", Text, nullable=False),
    Index("editor_session_by_hash", "hash", unique=True),
    sqlite_autoincrement=True,
)

# What other programs show to the API. The hash is of a secret that was shown once. `owner` is the admin who made it, or nobody: then
# the command line did.
api_token = Table(
    "api_token",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("hash", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("owner", String(320)),
    Column("made_by", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("used_at", Instant),
    Column("revoked_at", Instant),
    Index("api_token_by_hash", "hash", unique=True),
    sqlite_autoincrement=True,
)

# What editors did; append-only.
audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("actor", Text, nullable=False),
    Column("act", String(64), nullable=False),
    Column("about", Text, nullable=False),
    Column("origin", String(64)),
)

# What an editor had done to an issue by each of its revisions, and what was done in it: what undo goes back to.
issue_edits = Table(
    "issue_edits",
    metadata,
    Column("issue_id", ForeignKey("issue.id"), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("edits", Json, nullable=False),
    Column("did", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("at", Instant, nullable=False),
    PrimaryKeyConstraint("issue_id", "revision"),
)

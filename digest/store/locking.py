"""Locks. The run lock: at most one process sends from one database. It is freed when its holder dies, by whoever keeps it.

Who holds it knows that every other sender is dead, or has lost its database: what such a one claimed can be taken over,
since every later step of it is a compare-and-set that fails.

The turn: PostgreSQL lets many transactions write at once, and what each decides from what it read may be wrong by the time
it commits. So a writing transaction begins by waiting for its turn, as SQLite's do by themselves.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from digest.errors import Busy, Unreachable

_ADVISORY_KEY = 0x646967657374  # "digest"
_TURN_KEY = 0x7475726E  # "turn"
_PATIENCE_SECONDS = 120  # how long a writer waits for its turn
_STILL_SECONDS = 60  # how long one may do nothing in its turn before the server ends it: less, so that who waits goes on
_TURNS = {"alone": "pg_advisory_xact_lock", "together": "pg_advisory_xact_lock_shared"}
_BUSY = "another `digest run` or `digest send` works on this database just now; nothing to do here"


@contextmanager
def file_lock(database: Path) -> Iterator[int]:
    """Hold the lock beside an SQLite file, or raise `Busy` at once; the kernel frees it with the process, and with every other that
    was given the handle."""
    path = database.with_name(database.name + ".lock")
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise Unreachable(f"the lock {path} cannot be opened: {error.strerror}; check the folder's owner and mode") from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Busy(_BUSY) from None
        yield handle
    finally:
        os.close(handle)


@contextmanager
def advisory_lock(engine: Engine) -> Iterator[None]:
    """Hold PostgreSQL's advisory lock, or raise `Busy` at once; the server frees it with the session."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as session:
        session.detach()  # not the pool's any more: it ends with the block, and with it the lock
        if not session.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": _ADVISORY_KEY}).scalar_one():
            raise Busy(_BUSY)
        try:
            yield
        finally:
            # The server notices the end of a session a moment later, and the next run would be told that we still work.
            with suppress(DBAPIError):
                session.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _ADVISORY_KEY})


def await_turn(connection: Connection) -> None:
    """Begin a writing transaction of PostgreSQL: "alone", or "together" with others that said so. It ends with its commit."""
    writes = connection.get_execution_options().get("digest_writes")
    if writes is not None:
        limits = {"lock_timeout": _PATIENCE_SECONDS, "idle_in_transaction_session_timeout": _STILL_SECONDS}
        settings = ", ".join(f"set_config('{name}', '{seconds}s', true)" for name, seconds in limits.items())
        connection.exec_driver_sql(f"SELECT {settings}, {_TURNS[writes]}({_TURN_KEY})")

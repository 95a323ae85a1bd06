"""Locks. The run lock: at most one process sends from one database. It is freed when its holder dies, by whoever keeps it.

Who holds it knows that every other sender is dead, or has lost its database: what such a one claimed can be taken over,
since every later step of it is a compare-and-set that fails.

Workers hold no run lock, since they send beside one another; the engine of each is one of the senders. Who wants nothing to be sent at
all meanwhile holds the run lock and keeps the senders out.

The turn: PostgreSQL lets many transactions write at once, and what each decides from what it read may be wrong by the time
it commits. So a writing transaction begins by waiting for its turn, as SQLite's do by themselves.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from digest.errors import Busy, Unreachable

_ADVISORY_KEY = 0x646967657374  # "digest"
_TURN_KEY = 0x7475726E  # "turn"
_SENDERS_KEY = 0x73656E64657273  # "senders"
_EPOCH_KEY = 0x65706F6368  # "epoch"
_PATIENCE_SECONDS = 120  # how long a writer waits for its turn
_STILL_SECONDS = 60  # how long one may do nothing in its turn before the server ends it: less, so that who waits goes on
_TURNS = {"alone": "pg_advisory_xact_lock", "together": "pg_advisory_xact_lock_shared"}
_BUSY = "another `digest run` or `digest send` works on this database just now; nothing to do here"
_AT_WORK = "a worker sends from this database just now; stop the workers (`digest worker`) on every machine, then do this again"
_KEPT_OUT = "this database is being restored or confirmed just now; workers go on afterwards"


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
    with _session(engine) as session, _held(session, _ADVISORY_KEY, _BUSY):
        yield


@contextmanager
def no_senders(engine: Engine) -> Iterator[None]:
    """No worker's engine is at work, nor begins; or raise `Busy` at once."""
    with _session(engine) as session, _held(session, _SENDERS_KEY, _AT_WORK):
        yield


@contextmanager
def among_senders(session: Connection) -> Iterator[None]:
    """One worker's engine is at work, beside others; `Busy` while nobody may send. `session` is one that lasts, of its own."""
    with _held(session, _SENDERS_KEY, _KEPT_OUT, shared="_shared"):
        yield


@contextmanager
def epoch_lock(session: Connection) -> Iterator[None]:
    """Wait until nobody else changes the send epoch's two places, and keep the others waiting."""
    session.execute(text("SELECT set_config('lock_timeout', :limit, false)"), {"limit": f"{_PATIENCE_SECONDS}s"})
    session.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _EPOCH_KEY})
    try:
        yield
    finally:
        with suppress(DBAPIError):
            session.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _EPOCH_KEY})


@contextmanager
def _session(engine: Engine) -> Iterator[Connection]:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as session:
        session.detach()  # not the pool's any more: it ends with the block, and with it the lock
        yield session


@contextmanager
def _held(session: Connection, key: int, busy: str, *, shared: Literal["", "_shared"] = "") -> Iterator[None]:
    if not session.execute(text(f"SELECT pg_try_advisory_lock{shared}(:key)"), {"key": key}).scalar_one():
        raise Busy(busy)
    try:
        yield
    finally:
        # The server notices the end of a session a moment later, and the next one would be told that we still work.
        with suppress(DBAPIError):
            session.execute(text(f"SELECT pg_advisory_unlock{shared}(:key)"), {"key": key})


def await_turn(connection: Connection) -> None:
    """Begin a writing transaction of PostgreSQL: "alone", or "together" with others that said so. It ends with its commit."""
    writes = connection.get_execution_options().get("digest_writes")
    if writes is not None:
        limits = {"lock_timeout": _PATIENCE_SECONDS, "idle_in_transaction_session_timeout": _STILL_SECONDS}
        settings = ", ".join(f"set_config('{name}', '{seconds}s', true)" for name, seconds in limits.items())
        connection.exec_driver_sql(f"SELECT {settings}, {_TURNS[writes]}({_TURN_KEY})")

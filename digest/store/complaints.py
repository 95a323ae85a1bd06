"""What a database says when it fails, in one line for a person: what is wrong, where, and what to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolEmpty

from digest.errors import Unreachable

_AGAIN = "nothing was lost, run again in a moment"
_HELD = f"another process holds it; {_AGAIN}"
_GONE = "the server was stopped or is starting; what was committed is kept, run again when it answers"

# By the sign in what SQLite or libpq says.
_BY_WORDS = {
    "locked": _HELD,
    "disk is full": "the disk is full; nothing was lost, make room and run again",
    "disk I/O": "the disk is full, over a quota, or failing; nothing was lost, see to it and run again",
    "unable to open": "the folder is missing or may not be written to; check database.url",
    "readonly": "the file may not be written to; check its owner and mode",
    "not a database": "the file is something else; check database.url",
    "malformed": "the file is damaged; restore a backup",
    "starting up": _GONE,
    "shutting down": _GONE,
    "closed the connection": _GONE,
    "connection is lost": _GONE,
}

# By PostgreSQL's SQLSTATE.
_BY_STATE = {
    "25006": "the server takes no writes, as a standby does; name the primary in database.url",
    "25P03": f"the server ended a transaction that stood still for too long; {_AGAIN}",
    "40001": f"two processes were in each other's way; {_AGAIN}",
    "40P01": f"two processes were in each other's way; {_AGAIN}",
    "42501": "the user may not do that; make it the owner of the database, or grant it CREATE on the schema",
    "53100": "the server's disk is full; nothing was lost, make room and run again",
    "53300": "the server has no connection left; raise its max_connections or end what holds them",
    "55P03": _HELD,
    "57P01": _GONE,
    "57P02": _GONE,
    "57P03": _GONE,
}


@contextmanager
def speaking_plainly(url: URL) -> Iterator[None]:
    """Raises `Unreachable` where the database at `url` fails; what is a defect of Digest passes as it is."""
    try:
        yield
    except PoolEmpty as error:
        raise Unreachable(
            f"the database {url.render_as_string()}: every connection of this process is in use; {_AGAIN}"
        ) from error
    except (DBAPIError, sqlite3.DatabaseError) as error:
        if _is_out_of_reach(error):
            raise Unreachable(_line(url, error)) from error
        raise


def _is_out_of_reach(error: Exception) -> bool:
    if isinstance(error, OperationalError | sqlite3.OperationalError):
        return True
    if isinstance(error, DBAPIError) and (error.connection_invalidated or error.statement is None):
        return True  # the connection was lost, or never came about
    return _state(error) in _BY_STATE or any(sign in str(error) for sign in ("malformed", "not a database"))


def _line(url: URL, error: Exception) -> str:
    said = str(getattr(error, "orig", error)).strip().splitlines()[0]
    where = url.render_as_string()
    advice = _BY_STATE.get(_state(error)) or next((words for sign, words in _BY_WORDS.items() if sign in said), None)
    if advice is not None:
        return f"the database {where}: {said}: {advice}"
    server = "" if url.get_backend_name() == "sqlite" else " and that the server runs"
    return f"the database {where}: {said}; check database.url{server}"


def _state(error: Exception) -> str:
    return getattr(getattr(error, "orig", None), "sqlstate", None) or ""

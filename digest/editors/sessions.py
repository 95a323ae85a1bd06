"""Sessions: who is signed in, in the database, so that one that is revoked is over with its next request.

The browser has a secret of 256 bits; here stands its hash alone, so who reads the database gets nobody's session.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, delete, insert, select, update

from digest.store import tables

IDLE = timedelta(hours=12)
"""A session that nobody used for so long is over."""

ENDS_AFTER = timedelta(days=7)
"""A session is over after so long, however busy it is."""

_SEEN_EVERY = timedelta(minutes=1)
_KEPT_FOR = timedelta(days=30)
_LONGEST_BROWSER = 200

_row = tables.editor_session.c


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is signed in: since when, until when at most, when last seen, and what was seen of their browser."""

    id: int
    hash: str
    email: str
    began_at: datetime
    seen_at: datetime
    ends_at: datetime
    origin: str | None
    browser: str


_COLUMNS = [_row[name] for name in Session.__slots__]


def begin(connection: Connection, email: str, *, now: datetime, origin: str | None, browser: str) -> str:
    """Somebody is in from now on; the secret that shows it is returned and kept nowhere."""
    secret = secrets.token_urlsafe(32)
    values = {
        "hash": hash_of(secret),
        "email": email,
        "began_at": now,
        "seen_at": now,
        "ends_at": now + ENDS_AFTER,
        "origin": origin,
        "browser": browser[:_LONGEST_BROWSER],
    }
    connection.execute(insert(tables.editor_session).values(values))
    return secret


def find(connection: Connection, secret: str, *, now: datetime) -> Session | None:
    """The session of a secret; None when there is none, or it is over, for whatever reason."""
    query = select(*_COLUMNS).where(_row.hash == hash_of(secret), _alive(now))
    found = connection.execute(query).one_or_none()
    return None if found is None else Session(*found)


def is_seen_long_ago(session: Session, *, now: datetime) -> bool:
    """Whether it is time to write down that it was seen: not with every request."""
    return now - session.seen_at >= _SEEN_EVERY


def see(connection: Connection, session: Session, *, now: datetime) -> None:
    """Somebody has just used it."""
    connection.execute(update(tables.editor_session).where(_row.id == session.id, _row.seen_at < now).values(seen_at=now))


def those_alive(connection: Connection, *, now: datetime, email: str | None = None) -> list[Session]:
    """Every session, or one person's, the last seen first."""
    query = select(*_COLUMNS).where(_alive(now)).order_by(_row.seen_at.desc(), _row.id.desc())
    query = query if email is None else query.where(_row.email == email)
    return [Session(*found) for found in connection.execute(query)]


def revoke(connection: Connection, number: int, *, now: datetime, email: str | None = None) -> str | None:
    """End a session; of `email` alone where that is given. Whose it was, when it was alive."""
    mine = update(tables.editor_session).where(_row.id == number, _alive(now))
    mine = mine if email is None else mine.where(_row.email == email)
    found = connection.execute(mine.values(revoked_at=now).returning(_row.email)).one_or_none()
    return None if found is None else str(found.email)


def forget_old(connection: Connection, *, now: datetime) -> None:
    """Take out what has been over for a month."""
    connection.execute(delete(tables.editor_session).where(_row.ends_at < now - _KEPT_FOR))


def hash_of(secret: str) -> str:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _alive(now: datetime) -> ColumnElement[bool]:
    return and_(_row.revoked_at.is_(None), _row.ends_at > now, _row.seen_at > now - IDLE)

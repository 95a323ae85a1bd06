"""Tokens: what a program shows to the API. Each has a few scopes and an end; here stands its hash alone, so who reads the database
gets nobody's token."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from digest.editors.scopes import Scope
from digest.editors.sessions import hash_of
from digest.store import tables

USUAL_DAYS, MOST_DAYS = 90, 366
"""For how long a token holds when nothing is said, and at most."""

PREFIX = "digest_"
"""What every token begins with, so that one that lies about is known for what it is."""

_SEEN_EVERY = timedelta(minutes=1)

_row = tables.api_token.c


@dataclass(frozen=True, slots=True)
class Token:
    """One token. `owner` is the admin at the desk who made it, canonical; None where the command line did, by `made_by`."""

    id: int
    hash: str
    name: str
    scopes: frozenset[Scope]
    owner: str | None
    made_by: str
    made_at: datetime
    ends_at: datetime
    used_at: datetime | None
    revoked_at: datetime | None

    @property
    def actor(self) -> str:
        """How histories name what was done with it."""
        return f"{self.name} (token {self.id})"

    def state(self, now: datetime) -> str:
        """`alive`, `revoked` or `expired`."""
        return "revoked" if self.revoked_at is not None else "expired" if self.ends_at <= now else "alive"


_COLUMNS = [_row[name] for name in Token.__slots__]


def make(
    connection: Connection,
    name: str,
    scopes: Collection[Scope],
    *,
    owner: str | None,
    made_by: str,
    days: int,
    now: datetime,
) -> tuple[Token, str]:
    """A new token and its secret, which is returned this once and kept nowhere."""
    secret = PREFIX + secrets.token_urlsafe(32)
    values = {
        "hash": hash_of(secret),
        "name": name,
        "scopes": " ".join(sorted(scopes)),
        "owner": owner,
        "made_by": made_by,
        "made_at": now,
        "ends_at": now + timedelta(days=days),
    }
    found = connection.execute(insert(tables.api_token).values(values).returning(*_COLUMNS)).one()
    return _token(found), secret


def find(connection: Connection, secret: str, *, now: datetime) -> Token | None:
    """The token of a secret; None when there is none, or it is over, for whatever reason."""
    wanted = hash_of(secret)
    found = connection.execute(select(*_COLUMNS).where(_row.hash == wanted)).one_or_none()
    token = None if found is None else _token(found)
    # By an index one finds a hash, of which nobody chooses the letters; what is compared to the last is compared in constant time.
    if token is None or not hmac.compare_digest(token.hash, wanted):
        return None
    return token if token.state(now) == "alive" else None


def is_used_long_ago(token: Token, *, now: datetime) -> bool:
    """Whether it is time to write down that it was used: not with every request."""
    return token.used_at is None or now - token.used_at >= _SEEN_EVERY


def use(connection: Connection, token: Token, *, now: datetime) -> None:
    """Somebody has just used it."""
    connection.execute(update(tables.api_token).where(_row.id == token.id).values(used_at=now))


def every(connection: Connection) -> list[Token]:
    """All there ever were, the newest first."""
    return [_token(found) for found in connection.execute(select(*_COLUMNS).order_by(_row.id.desc()))]


def revoke(connection: Connection, number: int, *, now: datetime) -> Token | None:
    """End a token for good: with its next request it is nobody's. None where none of that number is alive."""
    mine = update(tables.api_token).where(_row.id == number, _row.revoked_at.is_(None), _row.ends_at > now)
    found = connection.execute(mine.values(revoked_at=now).returning(*_COLUMNS)).one_or_none()
    return None if found is None else _token(found)


def _token(row: Row[Any]) -> Token:
    values = row._asdict()
    known = frozenset(Scope(one) for one in values["scopes"].split() if one in tuple(Scope))  # a version may have known more
    return Token(**(values | {"scopes": known}))

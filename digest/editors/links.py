"""Links: one lets somebody in, once, within fifteen minutes. A link is asked for whoever asks; whether it leads anywhere is known
when it is used."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

from digest.store import tables

HOLDS_FOR = timedelta(minutes=15)
"""For how long a link lets somebody in."""

_row = tables.editor_link.c


@dataclass(frozen=True, slots=True)
class Link:
    """One link, for whom, and until when."""

    id: int
    email: str
    ends_at: datetime


_COLUMNS = [_row[name] for name in Link.__slots__]


def make(connection: Connection, email: str, *, now: datetime) -> Link:
    """A new link for a canonical address."""
    ends_at = now + HOLDS_FOR
    values = {"email": email, "ends_at": ends_at}
    return Link(connection.execute(insert(tables.editor_link).values(values).returning(_row.id)).scalar_one(), email, ends_at)


def find(connection: Connection, number: int, *, now: datetime) -> Link | None:
    """A link that still lets somebody in."""
    query = select(*_COLUMNS).where(_row.id == number, _row.ends_at > now, _row.used_at.is_(None))
    found = connection.execute(query).one_or_none()
    return None if found is None else Link(*found)


def use(connection: Connection, number: int, *, now: datetime) -> Link | None:
    """The same, and it never does again: of two who come at once one gets it."""
    mine = update(tables.editor_link).where(_row.id == number, _row.ends_at > now, _row.used_at.is_(None))
    found = connection.execute(mine.values(used_at=now).returning(*_COLUMNS)).one_or_none()
    return None if found is None else Link(*found)


def forget_old(connection: Connection, *, now: datetime) -> None:
    """Take out what has been over for a day."""
    connection.execute(delete(tables.editor_link).where(_row.ends_at < now - timedelta(days=1)))

"""Asking: sign-ups that wait until whoever reads the mail confirms. Of who never does nothing stays."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

from digest.store import tables

HOLDS_FOR = timedelta(days=7)
"""For how long a sign-up can be confirmed."""

_row = tables.asking.c


@dataclass(frozen=True, slots=True)
class Asking:
    """One sign-up. `topics` is canonical; `wording` is what they were shown when they asked."""

    id: int
    email: str
    address: str
    newsletter: str
    topics: str
    frequency: str
    timezone: str | None
    language: str | None
    source: str
    wording: str
    wording_version: str
    origin: str | None
    at: datetime
    confirmed_at: datetime | None

    @property
    def ends_at(self) -> datetime:
        """Until when it can be confirmed."""
        return self.at + HOLDS_FOR


def keep(connection: Connection, asking: Asking) -> int:
    """Store a sign-up (its own `id` is passed over), and return its number."""
    values = {name: getattr(asking, name) for name in Asking.__slots__ if name != "id"}
    added = connection.execute(insert(tables.asking).values(values).returning(_row.id))
    return int(added.scalar_one())


def find(connection: Connection, number: int, *, now: datetime, lock: bool = False) -> Asking | None:
    """A sign-up that can be confirmed, or was."""
    query = select(*(_row[name] for name in Asking.__slots__)).where(_row.id == number, _row.at > now - HOLDS_FOR)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else Asking(*row)


def mark_confirmed(connection: Connection, number: int, *, now: datetime) -> bool:
    """Remember that it was confirmed. True when that is new."""
    mine = update(tables.asking).where(_row.id == number, _row.confirmed_at.is_(None))
    return connection.execute(mine.values(confirmed_at=now)).rowcount == 1


def forget_old(connection: Connection, *, now: datetime) -> None:
    """Take out what cannot be confirmed any more."""
    connection.execute(delete(tables.asking).where(_row.at <= now - HOLDS_FOR))

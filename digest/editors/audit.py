"""The audit: who did what at the desk, and when; append-only. What was done to an issue stands in its own history too."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from digest.store import tables

_row = tables.audit.c


@dataclass(frozen=True, slots=True)
class Line:
    """One deed: `act` is a verb such as `signed in`, `about` what it was done to, or empty."""

    at: datetime
    actor: str
    act: str
    about: str
    origin: str | None


_COLUMNS = [_row[name] for name in Line.__slots__]


def write_down(connection: Connection, line: Line) -> None:
    """Keep it, in the transaction that does it."""
    connection.execute(insert(tables.audit).values({name: getattr(line, name) for name in Line.__slots__}))


def newest(connection: Connection, most: int = 200) -> list[Line]:
    """The last ones, the newest first."""
    return [Line(*found) for found in connection.execute(select(*_COLUMNS).order_by(_row.id.desc()).limit(most))]

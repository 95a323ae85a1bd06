"""Notices: what editors are told, kept until everybody has been."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select

from digest.store import tables

KEPT_FOR = timedelta(days=30)
"""After so long nothing is kept of one; what came from a history is not told again, for that has numbers."""

_row, _call = tables.notice.c, tables.notice_call.c


@dataclass(frozen=True, slots=True)
class Told:
    """One notice: its kind, what it says, and the name of the issue that it is about."""

    kind: str
    title: str
    words: str
    issue: str | None
    at: datetime


_COLUMNS = [_row[name] for name in Told.__slots__]


def find(connection: Connection, number: int) -> Told | None:
    """The notice with a number."""
    found = connection.execute(select(*_COLUMNS).where(_row.id == number)).one_or_none()
    return None if found is None else Told(*found)


def forget_old(connection: Connection, *, now: datetime) -> None:
    """Take out what is old, and the calls that told it."""
    old = select(_row.id).where(_row.at < now - KEPT_FOR)
    connection.execute(delete(tables.notice_call).where(_call.notice_id.in_(old)))
    connection.execute(delete(tables.notice).where(_row.at < now - KEPT_FOR))

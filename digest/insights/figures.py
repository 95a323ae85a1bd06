"""Figures: what was counted, kept until it is counted again, so that a page need not count a million rows.

A figure is never kept from being read by its age: whoever shows it says when it was taken.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from digest.store import tables

LEAST = timedelta(minutes=1)
"""A figure is not counted more often."""

OFTEN, SELDOM = 50, 500
"""Nor before so many times as long as the counting took: two percent of the time, at most, go into a figure that people look at, and a
fifth of a percent into one that hardly changes any more."""

ANYWAY = timedelta(hours=1)
"""What nothing seems to have changed is counted again after so long."""

_row = tables.figure.c


@dataclass(frozen=True, slots=True)
class Figure:
    """One count, of what, and from what it was counted; `took` seconds."""

    name: str
    about: str
    value: dict[str, Any]
    mark: str
    taken_at: datetime
    took: float


def is_due(found: Figure | None, mark: str, *, now: datetime, times: int = OFTEN) -> bool:
    """Whether to count again, `times` as late as counting takes long. A clock that was set back keeps nothing from being counted."""
    if found is None:
        return True
    age = now - found.taken_at
    if timedelta() <= age < max(LEAST, timedelta(seconds=times * found.took)):
        return False
    return found.mark != mark or not timedelta() <= age < ANYWAY


def kept(connection: Connection, name: str, about: Collection[str] = ("",)) -> dict[str, Figure]:
    """The figures of one name, by what they are about; what was never counted is absent."""
    query = select(*(_row[field] for field in Figure.__slots__)).where(_row.name == name, _row.about.in_(about))
    return {found.about: Figure(*found) for found in connection.execute(query)}


def keep(connection: Connection, figure: Figure) -> None:
    """Put a figure in the place of the one before."""
    connection.execute(delete(tables.figure).where(_row.name == figure.name, _row.about == figure.about))
    connection.execute(insert(tables.figure).values({field: getattr(figure, field) for field in Figure.__slots__}))

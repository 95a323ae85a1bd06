"""Zones: on whose clocks the readers of a newsletter live."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from digest.store import tables

_person, _row = tables.subscriber.c, tables.subscription.c
_NEAR = timedelta(hours=3)  # clocks that are changed move by less


def zone_named(name: str | None, otherwise: ZoneInfo) -> ZoneInfo:
    """A reader's zone; another one's where they named none, or one that is not known any more."""
    try:
        return otherwise if name is None else ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return otherwise


def zones_of(connection: Connection, newsletter: str, frequency: str) -> list[str | None]:
    """The names of the zones of everybody who would be in an audience just now; None where somebody named none."""
    joined = tables.subscription.join(tables.subscriber, _person.id == _row.subscriber_id)
    where = (_row.newsletter == newsletter, _row.frequency == frequency, _row.state == "active")
    found = connection.execute(select(_person.timezone).select_from(joined).where(*where).distinct()).scalars()
    return sorted(found, key=lambda name: name or "")


def foremost(zones: Iterable[ZoneInfo], now: datetime) -> tuple[ZoneInfo, ...]:
    """Those in which a time of about now may come first of all."""
    ahead = {zone: now.astimezone(zone).utcoffset() or timedelta(0) for zone in zones}
    first = max(ahead.values())
    return tuple(sorted((zone for zone, offset in ahead.items() if offset > first - _NEAR), key=str))

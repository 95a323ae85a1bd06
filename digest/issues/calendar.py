"""Slots: the local dates and times a newsletter's issues belong to.

Crons are read on the wall clock of the newsletter's zone. A local time that happens twice is one slot, at its first
occurrence; a local time that never happens runs at the next minute that exists. Nothing here knows what time it is.

Where readers are reached at the slot's time on their own clocks, a slot has many zones, and begins where its time comes first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim

_MINUTE = timedelta(minutes=1)
Zones = ZoneInfo | Sequence[ZoneInfo]
"""The zone of a schedule, or all those on whose clocks its slots are looked for."""

_HORIZON = timedelta(days=366 * 9)  # the longest a five-field cron can pause: 29 February over a skipped leap year


@dataclass(frozen=True, slots=True, order=True)
class Slot:
    """A scheduled local date and time. `at` is the instant it stands for, in UTC, or the first of them; `local` names it."""

    at: datetime
    local: datetime

    @property
    def name(self) -> str:
        """Such as `2026-11-23T09:00`."""
        return self.local.isoformat(timespec="minutes")


def slots_between(cron: str, zones: Zones, after: datetime, until: datetime) -> Iterator[Slot]:
    """Every slot with `after < slot.at <= until`, in order."""
    last: datetime | None = None
    for slot in _slots_from(cron, zones, after - timedelta(days=1)):
        if slot.at > until:
            return
        if slot.at > after and slot.at != last:
            last = slot.at
            yield slot


def next_slot(cron: str, zones: Zones, after: datetime) -> Slot | None:
    """The first slot later than `after`; None for a cron whose dates have run out."""
    return next(slots_between(cron, zones, after, after + _HORIZON), None)


def due_slot(cron: str, zones: Zones, started_at: datetime, now: datetime) -> Slot | None:
    """The slot that is due at `now`: the latest one that has come since the start, until the next comes.

    Missed slots are not due: their articles are covered by the slot that is.
    """
    reach = timedelta(days=2)
    while True:
        slots = list(slots_between(cron, zones, max(started_at, now - reach), now))
        if slots or now - reach <= started_at:
            return slots[-1] if slots else None
        reach *= 4


def _slots_from(cron: str, zones: Zones, start: datetime) -> Iterator[Slot]:
    zones = (zones,) if isinstance(zones, ZoneInfo) else zones
    wall = min(start.astimezone(zone).replace(tzinfo=None, second=0, microsecond=0) for zone in zones)
    for local in CronSim(cron, wall):
        yield Slot(at=min(instant(local, zone) for zone in zones), local=local)


def instant(local: datetime, zone: ZoneInfo) -> datetime:
    """The first instant at which the wall clock shows `local`, or, where it never does, the next minute it shows."""
    candidate = local
    while True:
        found = candidate.replace(tzinfo=zone, fold=0).astimezone(UTC)
        if found.astimezone(zone).replace(tzinfo=None) == candidate:
            return found
        candidate += _MINUTE

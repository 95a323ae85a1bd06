"""Allowances: how many may be marked just now. Asked inside the transaction of the mark, so that a crash forgets nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from sqlalchemy import Connection, func, select, update

from digest.audience.dialects import insert_missing
from digest.delivery.ending import Ending
from digest.store import tables

_day = tables.provider_day.c


class Allowance(Protocol):
    """A bound on marks."""

    ending: Ending

    def take(self, connection: Connection, many: int, now: datetime) -> int:
        """Take up to `many`; returns how many were left to take."""
        ...

    def give_back(self, connection: Connection, many: int, now: datetime) -> None:
        """So many of those taken were not marked."""
        ...

    def spent(self, now: datetime) -> str:
        """What to say when nothing is left."""
        ...


@dataclass(slots=True)
class Canary:
    """The first few of an issue; `left` of them have not been tried."""

    left: int
    ending: Ending = Ending.CANARY

    def take(self, connection: Connection, many: int, now: datetime) -> int:
        """As `Allowance.take`."""
        taken = min(many, self.left)
        self.left -= taken
        return taken

    def give_back(self, connection: Connection, many: int, now: datetime) -> None:
        """As `Allowance.give_back`."""
        self.left += many

    def spent(self, now: datetime) -> str:
        """As `Allowance.spent`."""
        return "the canary went out"


@dataclass(frozen=True, slots=True)
class Plan:
    """What a provider may be given in a day (UTC): `warm_up` by days of use, then `daily` (0: no limit)."""

    daily: int = 0
    warm_up: tuple[int, ...] = ()

    def limit(self, days_used: int) -> int | None:
        """The maximum of a day before which it was used on so many others; None: no limit."""
        bounds = [self.daily] if self.daily else []
        if days_used < len(self.warm_up):
            bounds.append(self.warm_up[days_used])
        return min(bounds, default=None)


@dataclass(slots=True)
class Quota:
    """The day's allowance of one provider, counted in the store, so that it holds for every process."""

    provider: str
    plan: Plan
    ending: Ending = Ending.HELD_BACK
    _limit: int = 0

    def take(self, connection: Connection, many: int, now: datetime) -> int:
        """As `Allowance.take`; without a limit it is counted all the same, for the warm-up of later days."""
        day = now.astimezone(UTC).date().isoformat()
        mine = (_day.provider == self.provider, _day.day == day)
        row = {"provider": self.provider, "day": day, "attempts": 0}
        connection.execute(insert_missing(connection, tables.provider_day).values(row))
        used = connection.execute(select(_day.attempts).where(*mine).with_for_update()).scalar_one()
        before = select(func.count()).where(_day.provider == self.provider, _day.day < day)
        limit = self.plan.limit(connection.execute(before).scalar_one())
        self._limit = limit or 0
        taken = many if limit is None else max(0, min(many, limit - used))
        if taken:
            connection.execute(update(tables.provider_day).where(*mine).values(attempts=_day.attempts + taken))
        return taken

    def give_back(self, connection: Connection, many: int, now: datetime) -> None:
        """As `Allowance.give_back`."""
        mine = (_day.provider == self.provider, _day.day == now.astimezone(UTC).date().isoformat())
        connection.execute(update(tables.provider_day).where(*mine).values(attempts=_day.attempts - many))

    def spent(self, now: datetime) -> str:
        """As `Allowance.spent`."""
        return f"today's quota of {self._limit:,} of {self.provider} is used up; the rest goes out from 00:00 UTC on"


def take(allowances: Sequence[Allowance], connection: Connection, many: int, now: datetime) -> tuple[int, Allowance | None]:
    """Take from all of them alike; returns how many, and the one that allowed the fewest, where that was too few."""
    granted, short = many, None
    for place, allowance in enumerate(allowances):
        taken = allowance.take(connection, granted, now)
        if taken < granted:
            for earlier in allowances[:place]:
                earlier.give_back(connection, granted - taken, now)
            granted, short = taken, allowance
    return granted, short

"""Sharing a provider: its rate, its wish for patience and its circuit breaker hold for all processes together.

They stand in a row of the store, and are looked at in the transaction of the mark. Of the rate a process takes a small share
at a time (`_SHARE` of a second's), so that a fast one need not ask for each message and a slow one keeps nothing from the
others; what it has not used after a second is lost. In any span more than the rate leaves by no more than what was saved up
(`_SAVED`) and one share for each process.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select, update

from digest.audience.dialects import insert_missing
from digest.delivery.ending import Ending
from digest.delivery.temper import Mood
from digest.store import tables

_SHARE = 0.05  # of a second's messages
_SAVED = timedelta(seconds=0.1)  # of pace that nobody used is made up for
_KEPT = timedelta(seconds=1)
_PROBING = timedelta(seconds=15)  # so long the others leave it to whoever tries
_LOOK_AGAIN = timedelta(seconds=0.5)
_BEGINNING = datetime.min.replace(tzinfo=UTC)
_pace, _canary = tables.provider_pace.c, tables.canary_left.c


@dataclass(slots=True)
class SharedPace:
    """One provider, as one dispatch of one process sees it. `rate` is messages a second; 0: no limit."""

    provider: str
    rate: float
    _credit: int = 0
    _credit_until: datetime = _BEGINNING
    _told: Mood = field(default_factory=Mood)
    _probing: bool = False

    def take(self, connection: Connection, many: int, least: int, now: datetime) -> tuple[int, datetime | None]:
        """How many of `many` may be marked now; when that is none, when to ask again. One request carries `least`."""
        row = self._row(connection)
        if row is not None and row.held_until is not None and row.held_until > now:
            return 0, row.held_until
        if row is not None and row.retry_at is not None:
            waits = self._wait_for_probe(connection, now)
            if waits is not None:
                return 0, waits
            many = min(many, least)
        return (many, None) if not self.rate else self._spend(connection, many, now)

    def give_back(self, many: int) -> None:
        """So many of those taken were not marked."""
        self._credit += many if self.rate else 0

    def tell(self, connection: Connection, mood: Mood, now: datetime) -> None:
        """What this process has learnt of the provider since it last told, the others know from now on."""
        before, self._told = self._told, mood
        values: dict[str, Any] = {}
        if mood.retry_at is not None and mood.failures > before.failures:
            values = {"retry_at": mood.retry_at, "probe_until": None}
            self._probing = False
        elif mood.came_through > before.came_through and (self._probing or before.retry_at is not None):
            values = {"retry_at": None, "probe_until": None}
            self._probing = False
        if mood.held_until is not None and (before.held_until is None or mood.held_until > before.held_until):
            values["held_until"] = max(mood.held_until, self._locked(connection, now).held_until or _BEGINNING)
        if values:
            self._keep(connection, now, values)

    def _spend(self, connection: Connection, many: int, now: datetime) -> tuple[int, datetime | None]:
        if now >= self._credit_until:
            self._credit = 0
        if self._credit < many:
            row = self._locked(connection, now)
            spent_until = row.spent_until or now
            if spent_until > now:
                return (0, spent_until) if not self._credit else (self._take(self._credit), None)
            share = max(many - self._credit, int(self.rate * _SHARE))
            until = max(spent_until, now - _SAVED) + timedelta(seconds=share / self.rate)
            self._keep(connection, now, {"spent_until": until})
            self._credit, self._credit_until = self._credit + share, max(now + _KEPT, until)
        return self._take(many), None

    def _take(self, many: int) -> int:
        self._credit -= many
        return many

    def _wait_for_probe(self, connection: Connection, now: datetime) -> datetime | None:
        """While the breaker is open, until when; None: it is half open, and it is for us to try."""
        row = self._locked(connection, now)
        if row.retry_at is None:
            return None
        if row.retry_at > now:
            retry_at: datetime = row.retry_at
            return retry_at
        if not self._probing and row.probe_until is not None and row.probe_until > now:
            return now + _LOOK_AGAIN
        self._probing = True
        self._keep(connection, now, {"probe_until": now + _PROBING})
        return None

    def _row(self, connection: Connection) -> Row[Any] | None:
        return connection.execute(select(tables.provider_pace).where(_pace.provider == self.provider)).one_or_none()

    def _locked(self, connection: Connection, now: datetime) -> Row[Any]:
        """Its row, ours until the transaction ends."""
        connection.execute(insert_missing(connection, tables.provider_pace).values(provider=self.provider))
        mine = select(tables.provider_pace).where(_pace.provider == self.provider)
        return connection.execute(mine.with_for_update()).one()

    def _keep(self, connection: Connection, now: datetime, values: dict[str, Any]) -> None:
        self._locked(connection, now)
        connection.execute(update(tables.provider_pace).where(_pace.provider == self.provider).values(values))


def held(connection: Connection, provider: str, now: datetime) -> bool:
    """Whether a provider is to be left alone just now."""
    until = connection.execute(select(_pace.held_until).where(_pace.provider == provider)).scalar()
    return until is not None and until > now


def hold(connection: Connection, provider: str, until: datetime) -> None:
    """Leave a provider alone until then, all processes together."""
    connection.execute(insert_missing(connection, tables.provider_pace).values(provider=provider))
    later = _pace.held_until.is_(None) | (_pace.held_until < until)
    connection.execute(update(tables.provider_pace).where(_pace.provider == provider, later).values(held_until=until))


@dataclass(slots=True)
class SharedCanary:
    """The first few of an issue, for all processes together; whoever comes first says that it is `left`."""

    issue_id: int
    left: int
    ending: Ending = Ending.CANARY

    def take(self, connection: Connection, many: int, now: datetime) -> int:
        """As `Allowance.take`."""
        known = {"issue_id": self.issue_id, "left_over": self.left}
        connection.execute(insert_missing(connection, tables.canary_left).values(known))
        mine = select(_canary.left_over).where(_canary.issue_id == self.issue_id).with_for_update()
        taken: int = max(0, min(many, connection.execute(mine).scalar_one()))
        self.give_back(connection, -taken, now)
        return taken

    def give_back(self, connection: Connection, many: int, now: datetime) -> None:
        """As `Allowance.give_back`."""
        mine = update(tables.canary_left).where(_canary.issue_id == self.issue_id)
        connection.execute(mine.values(left_over=_canary.left_over + many))

    def spent(self, now: datetime) -> str:
        """As `Allowance.spent`."""
        return "the canary went out"

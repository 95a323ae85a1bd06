"""Waves: an issue reaches each reader when its slot's time comes on their own clock. One issue, one plan, a wave for each instant.

The plan gives every wave renditions of its own, numbered in the order in which waves open. So a claim, which takes the first
rendition that has anybody, finds those whose time has come before all others, and costs what it costs without waves: one number
says where those begin whose time has not come. Who has moved to a later zone since the plan is held back by themselves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, case, func, literal, or_, select, update

from digest.audience.zones import zone_named, zones_of
from digest.delivery.history import note
from digest.delivery.statements import stands
from digest.delivery.transitions import DeliveryState
from digest.issues.calendar import instant
from digest.issues.issue import Issue
from digest.issues.lifecycle import BY_ITSELF
from digest.store import tables

MISSED = "its hour had passed by too much when somebody was there to send it"
_S = DeliveryState
_row, _kept, _batch, _person = tables.delivery.c, tables.rendition.c, tables.batch.c, tables.subscriber.c


@dataclass(frozen=True, slots=True)
class Waves:
    """The instants at which an issue's waves open, in order, and the zones of each; `own` is whose who named none that is known."""

    opens_at: tuple[datetime, ...]
    zones: tuple[tuple[str, ...], ...]
    own: int

    @property
    def column(self) -> ColumnElement[Any]:
        """The number of a reader's wave in SQL, of a query that has the subscriber in it."""
        ways = [(_person.timezone.in_(names), literal(number)) for number, names in enumerate(self.zones) if names]
        return case(*ways, else_=literal(self.own)) if ways else literal(self.own)


def waves_of(local: datetime, names: Iterable[str | None], own: ZoneInfo) -> Waves:
    """The waves of a slot for readers in these zones; pure."""
    opens: defaultdict[datetime, list[str]] = defaultdict(list)
    mine = instant(local, own)
    opens[mine] = []
    for name in names:
        zone = zone_named(name, own)
        if name is not None and zone is not own:
            opens[instant(local, zone)].append(name)
    times = tuple(sorted(opens))
    return Waves(times, tuple(tuple(sorted(opens[at])) for at in times), times.index(mine))


def find_waves(connection: Connection, issue: Issue, own: ZoneInfo) -> Waves:
    """The waves of an issue for who would be in its audience just now."""
    return waves_of(datetime.fromisoformat(issue.slot), zones_of(connection, issue.newsletter, issue.frequency), own)


def closed_from(connection: Connection, issue: Issue, now: datetime) -> int | None:
    """The first rendition whose time has not come; None where the time of all has."""
    closed = select(func.min(_kept.number)).where(_kept.issue_id == issue.id, _kept.opens_at > now)
    found: int | None = connection.execute(closed).scalar_one()
    return found


@dataclass(frozen=True, slots=True)
class Coming:
    """How many wait for their hour, and when the next of them is."""

    many: int
    opens_at: datetime

    def __str__(self) -> str:
        return f"{self.many:,} wait for their own hour; the next is at {self.opens_at:%Y-%m-%d %H:%M} UTC"


def coming(connection: Connection, issue: Issue, now: datetime) -> Coming | None:
    """Who waits for a wave that has not opened; None where nobody does."""
    closed = closed_from(connection, issue, now)
    if closed is None:
        return None
    waiting = (_row.issue_id == issue.id, stands(_S.PLANNED), _row.rendition >= closed)
    many, first = connection.execute(select(func.count(), func.min(_row.rendition)).where(*waiting)).one()
    if not many:
        return None
    opens = select(_kept.opens_at).where(_kept.issue_id == issue.id, _kept.number == first)
    return Coming(many, connection.execute(opens).scalar_one())


def next_wave(connection: Connection, after: datetime) -> datetime | None:
    """When the next wave of any issue that is being sent opens, after a time."""
    open_issues = select(tables.issue.c.id).where(tables.issue.c.state == "sending")
    later = select(func.min(_kept.opens_at)).where(_kept.issue_id.in_(open_issues), _kept.opens_at > after)
    found: datetime | None = connection.execute(later).scalar_one()
    return found


def hold_movers(connection: Connection, issue: Issue, own: ZoneInfo, *, now: datetime, real: datetime) -> int:
    """Hold back whose wave is open although the slot's time has not come where they live now; returns how many.

    They have moved since the plan. `now` is the clock of decisions, `real` the one by which a delivery waits.
    """
    closed = closed_from(connection, issue, now)
    waiting = [_row.issue_id == issue.id, stands(_S.PLANNED), _row.attempts == 0]
    waiting += [] if closed is None else [_row.rendition < closed]
    connection.execute(update(tables.delivery).where(*waiting, _row.not_before > real).values(not_before=None))
    held = 0
    for at, which in _later(connection, waiting, datetime.fromisoformat(issue.slot), own, now).items():
        theirs = _row.subscriber_id.in_(select(_person.id).where(which))
        held += connection.execute(update(tables.delivery).where(*waiting, theirs).values(not_before=real + (at - now))).rowcount
    return held


def _later(
    connection: Connection, waiting: list[ColumnElement[bool]], local: datetime, own: ZoneInfo, now: datetime
) -> Mapping[datetime, ColumnElement[bool]]:
    """The instants that are still to come, and who lives where it is they that have to come."""
    query = select(_person.timezone).join(tables.delivery, _person.id == _row.subscriber_id).where(*waiting).distinct()
    found: defaultdict[datetime, list[str | None]] = defaultdict(list)
    for name in connection.execute(query).scalars():
        at = instant(local, zone_named(name, own))
        if at > now:
            found[at].append(name)
    return {at: or_(*(_person.timezone.is_not_distinct_from(name) for name in names)) for at, names in found.items()}


def last_opening(connection: Connection, issue: Issue) -> datetime | None:
    """When the last of the waves opens, and the issue is as old as others are when they are planned; None where it has no waves."""
    found: datetime | None = connection.execute(select(func.max(_kept.opens_at)).where(_kept.issue_id == issue.id)).scalar()
    return found


def expire_missed(connection: Connection, issue: Issue, *, patience: timedelta, now: datetime, real: datetime, actor: str) -> int:
    """End what waits in waves of which nothing was begun and whose hour has passed by more than `patience`; its articles are owed."""
    if issue.approved_at is not None and issue.approved_by not in BY_ITSELF and issue.approved_at > now - patience:
        return 0  # somebody said yes when that hour was over, and knew
    begun = select(_kept.opens_at).join(tables.batch, (_batch.issue_id == _kept.issue_id) & (_batch.rendition == _kept.number))
    begun = begun.where(_kept.issue_id == issue.id, _kept.opens_at.is_not(None))
    missed = select(_kept.number).where(_kept.issue_id == issue.id, _kept.opens_at < now - patience, _kept.opens_at.not_in(begun))
    moved = _row.not_before > real  # who waits for the hour of another place
    where = (_row.issue_id == issue.id, stands(_S.PLANNED), _row.rendition.in_(missed), func.coalesce(moved, False).is_(False))
    done = connection.execute(update(tables.delivery).where(*where).values(state=_S.EXPIRED.value, not_before=None)).rowcount
    note(connection, issue.id, _S.PLANNED, _S.EXPIRED, now=real, actor=actor, count=done, reason=MISSED)
    return done

"""Heeding: what was stored of a provider's events moves what is known of the deliveries they are about."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, exists, or_, select, union_all, update

from digest.audience.dialects import among
from digest.delivery.event import REPORTED, Heard, Kind, furthest, proved
from digest.delivery.history import note
from digest.delivery.statements import stands
from digest.delivery.transitions import PROVABLE, DeliveryState
from digest.store import tables

_AT_ONCE = 500
_KINDS = {kind.value: kind for kind in Kind}
_MOVABLE = frozenset(state.value for state in PROVABLE)
_row, _event = tables.delivery.c, tables.event.c


@dataclass(slots=True)
class Heeded:
    """What came of it: how many became accepted or rejected, whose events are of no delivery, who got two attempts."""

    moved: Counter[DeliveryState] = field(default_factory=Counter)
    outsiders: set[int] = field(default_factory=set)
    doubled: set[int] = field(default_factory=set)


def heed(connection: Connection, issue_id: int, whose: Iterable[int], *, actor: str, now: datetime) -> Heeded:
    """Fold everything that is stored of some deliveries of an issue. To do it again changes nothing."""
    heeded = Heeded()
    for part in _parts(sorted(set(whose))):
        heard = _heard(connection, issue_id, part)
        columns: list[Any] = [_row.subscriber_id, _row.state, _row.attempts, _row.reported]
        theirs = select(*columns).where(_row.issue_id == issue_id, among(connection, _row.subscriber_id, part))
        rows = connection.execute(theirs).all()
        for row in rows:
            if row.state in _MOVABLE:
                _move(connection, issue_id, row, heard.get(row.subscriber_id, ()), heeded, actor, now)
        _report(connection, issue_id, rows, heard)
        heeded.outsiders |= heard.keys() - {row.subscriber_id for row in rows}
        heeded.doubled |= {one for one, events in heard.items() if _twice(events)}
    return heeded


def heed_waiting(connection: Connection, issue_id: int, *, actor: str, now: datetime) -> Heeded:
    """The same for everybody of an issue who still waits or is unknown: their events came while they were being sent."""
    told = exists().where(_event.issue_id == _row.issue_id, _event.subscriber_id == _row.subscriber_id)
    waiting = (DeliveryState.PLANNED, DeliveryState.DEFERRED, DeliveryState.UNKNOWN)
    # State by state, each by the index of open deliveries: together SQLite walks the whole issue.
    each = (select(_row.subscriber_id).where(_row.issue_id == issue_id, stands(state), told) for state in waiting)
    whose = connection.execute(union_all(*each)).scalars().all()
    return heed(connection, issue_id, whose, actor=actor, now=now)


def _heard(connection: Connection, issue_id: int, whose: Sequence[int]) -> Mapping[int, list[Heard]]:
    query = select(_event.subscriber_id, _event.kind, _event.attempt, _event.reason).where(
        _event.issue_id == issue_id, among(connection, _event.subscriber_id, whose)
    )
    heard: defaultdict[int, list[Heard]] = defaultdict(list)
    for one, kind, attempt, reason in connection.execute(query).all():
        heard[one].append(Heard(_KINDS[kind], attempt, reason.partition(":")[0] if reason else ""))
    return heard


def _move(
    connection: Connection,
    issue_id: int,
    row: Row[Any],
    heard: Sequence[Heard],
    heeded: Heeded,
    actor: str,
    now: datetime,
) -> None:
    before = DeliveryState(row.state)
    after, by = proved(before, row.attempts, heard)
    if by is None:
        return
    which = f" of attempt {by.attempt}" if by.attempt else ""
    reason = f"the provider's event{which}: {by.kind}" + (f" ({by.reason})" if by.reason else "")
    where = (_row.issue_id == issue_id, _row.subscriber_id == row.subscriber_id, _row.state == before.value)
    values = {"state": after.value, "answer": reason, "not_before": None}
    if connection.execute(update(tables.delivery).where(*where).values(values)).rowcount:
        one = row.subscriber_id
        note(connection, issue_id, before, after, now=now, actor=actor, subscriber=one, reason=reason)
        heeded.moved[after] += 1


def _report(connection: Connection, issue_id: int, rows: Sequence[Row[Any]], heard: Mapping[int, list[Heard]]) -> None:
    """Write down the furthest that is known; another process's word that went further stays."""
    grown: defaultdict[str, list[int]] = defaultdict(list)
    for row in rows:
        reported = furthest(row.reported, heard.get(row.subscriber_id, ()))
        if reported is not None and reported != row.reported:
            grown[reported].append(row.subscriber_id)
    for reported, whose in grown.items():
        less = [kind.value for kind in REPORTED[: REPORTED.index(Kind(reported))]]
        where = (_row.issue_id == issue_id, among(connection, _row.subscriber_id, whose))
        shorter = or_(_row.reported.is_(None), _row.reported.in_(less))
        connection.execute(update(tables.delivery).where(*where, shorter).values(reported=reported))


def _twice(heard: Iterable[Heard]) -> bool:
    return len({one.attempt for one in heard if one.kind is Kind.DELIVERED and one.attempt}) > 1


def _parts(whose: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(whose), _AT_ONCE):
        yield whose[start : start + _AT_ONCE]

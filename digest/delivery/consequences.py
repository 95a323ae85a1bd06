"""What events lead to for an address: it is mailed no more where the rules say so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, exists, select

from digest.audience.dialects import among
from digest.audience.suppression import EVERYTHING, suppress
from digest.delivery.bounce_rules import Fate, SoftRule, Verdict, at_once, fate, is_soft, lasts
from digest.delivery.event import Event, Heard, Kind
from digest.delivery.transitions import DeliveryState
from digest.store import tables

_ARRIVED_AFTER = timedelta(days=5)
"""A relay tries for so long; an accepted mail of which nothing was heard by then has arrived."""

_LONG_AGO = timedelta(days=400)
_row, _event, _issue, _person = tables.delivery.c, tables.event.c, tables.issue.c, tables.subscriber.c


def draw(connection: Connection, told: Iterable[tuple[int, Event]], rule: SoftRule, *, source: str, now: datetime) -> int:
    """Suppress, for everything, the addresses of those of whom new events tell that they must not be mailed. Returns how many were
    suppressed that were not before."""
    bad: dict[int, Verdict] = {}
    soft: set[int] = set()
    for subscriber, event in told:
        heard = Heard(event.kind, event.attempt, event.reason.value if event.reason else "")
        verdict = at_once(heard)
        if verdict is not None and bad.get(subscriber) is not Verdict.COMPLAINED:
            bad[subscriber] = verdict
        elif is_soft(heard):
            soft.add(subscriber)
    doubtful = soft - bad.keys() if rule.many else set()
    bad |= dict.fromkeys((one for one, fates in _fates(connection, doubtful, now).items() if lasts(fates, rule)), Verdict.SOFT)
    return _suppress(connection, bad, source, now)


def _suppress(connection: Connection, bad: Mapping[int, Verdict], source: str, now: datetime) -> int:
    addresses = select(_person.id, _person.address).where(among(connection, _person.id, list(bad)))
    found = connection.execute(addresses).all() if bad else []
    return sum(suppress(connection, row.address, EVERYTHING, reason=bad[row.id].value, source=source, now=now) for row in found)


def _fates(connection: Connection, whose: Collection[int], now: datetime) -> dict[int, list[tuple[datetime, Fate]]]:
    """What became of everything that was sent to some subscribers, each by the time of its issue's slot, oldest first."""
    if not whose:
        return {}
    # The issues are named, so that the keys that begin with one are of use.
    recent = select(_issue.id, _issue.slot_at).where(_issue.slot_at > now - _LONG_AGO)
    slots: dict[int, datetime] = {row.id: row.slot_at for row in connection.execute(recent)}
    heard = _heard(connection, whose, slots)
    sent = select(_row.issue_id, _row.subscriber_id).where(
        among(connection, _row.issue_id, slots.keys()),
        among(connection, _row.subscriber_id, list(whose)),
        _row.state == DeliveryState.ACCEPTED.value,
    )
    deliveries = sorted((slots[row.issue_id], row.issue_id, row.subscriber_id) for row in connection.execute(sent))
    silent = {issue: _is_silent(connection, issue) and slots[issue] < now - _ARRIVED_AFTER for _, issue, _ in deliveries}
    found: defaultdict[int, list[tuple[datetime, Fate]]] = defaultdict(list)
    for at, issue, subscriber in deliveries:
        found[subscriber].append((at, fate(heard[issue, subscriber], silent=silent[issue])))
    return found


def _heard(connection: Connection, whose: Collection[int], issues: Collection[int]) -> defaultdict[tuple[int, int], list[Heard]]:
    query = select(_event.issue_id, _event.subscriber_id, _event.kind, _event.attempt, _event.reason).where(
        among(connection, _event.issue_id, list(issues)), among(connection, _event.subscriber_id, list(whose))
    )
    heard: defaultdict[tuple[int, int], list[Heard]] = defaultdict(list)
    for row in connection.execute(query):
        heard[row.issue_id, row.subscriber_id].append(Heard(Kind(row.kind), row.attempt, (row.reason or "").partition(":")[0]))
    return heard


def _is_silent(connection: Connection, issue: int) -> bool:
    """Whether of an issue nobody tells what arrived, as mail relays do not."""
    told = exists().where(_event.issue_id == issue, _event.kind == Kind.DELIVERED.value)
    return not connection.execute(select(told)).scalar_one()

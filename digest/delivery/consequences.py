"""What events lead to for an address: it is mailed no more where the rules say so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, exists, select

from digest.audience.dialects import among
from digest.audience.suppression import EVERYTHING, suppress
from digest.delivery.bounce_rules import Fate, SoftRule, Verdict, at_once, fate, is_soft, lasts
from digest.delivery.event import MAIL, Event, Heard, Kind
from digest.delivery.transitions import DeliveryState
from digest.store import tables

_ARRIVED_AFTER = timedelta(days=5)
"""A relay tries for so long; an accepted mail of which nothing was heard by then has arrived."""

_LONG_AGO = timedelta(days=400)
_row, _event, _issue, _person = tables.delivery.c, tables.event.c, tables.issue.c, tables.subscriber.c
_move, _lifted = tables.address_change.c, tables.lifted_suppression.c


def draw(
    connection: Connection, issue_id: int, told: Iterable[tuple[int, Event]], rule: SoftRule, *, source: str, now: datetime
) -> int:
    """Suppress, for everything, the addresses of those of whom new events of an issue tell that they must not be mailed. Returns how
    many were suppressed that were not before."""
    bad: dict[int, Verdict] = {}
    soft: set[int] = set()
    for subscriber, event in told:
        heard = Heard(event.kind, event.attempt, event.reason.value if event.reason else "")
        verdict = at_once(heard)
        if verdict is not None and bad.get(subscriber) is not Verdict.COMPLAINED:
            bad[subscriber] = verdict
        elif is_soft(heard):
            soft.add(subscriber)
    bounced = {one for one, verdict in bad.items() if verdict is Verdict.BOUNCED}
    for one in _moved_since(connection, bounced, issue_id):
        del bad[one]
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
    heard, began = _heard(connection, whose, slots), _began(connection, whose)
    sent = select(_row.issue_id, _row.subscriber_id).where(
        among(connection, _row.issue_id, slots.keys()),
        among(connection, _row.subscriber_id, list(whose)),
        _row.state == DeliveryState.ACCEPTED.value,
    )
    deliveries = sorted((slots[row.issue_id], row.issue_id, row.subscriber_id) for row in connection.execute(sent))
    silent = {issue: _is_silent(connection, issue) and slots[issue] < now - _ARRIVED_AFTER for _, issue, _ in deliveries}
    found: defaultdict[int, list[tuple[datetime, Fate]]] = defaultdict(list)
    for at, issue, subscriber in deliveries:
        if subscriber not in began or at > began[subscriber]:
            found[subscriber].append((at, fate(heard[issue, subscriber], silent=silent[issue])))
    return found


def _moved_since(connection: Connection, whose: Collection[int], issue_id: int) -> list[int]:
    """Those of some who have another address since an issue: that the former one bounced says nothing of it."""
    if not whose:
        return []
    slot = connection.execute(select(_issue.slot_at).where(_issue.id == issue_id)).scalar_one()
    return [one for one, at in _moved(connection, whose).items() if at >= slot]


def _moved(connection: Connection, whose: Collection[int]) -> dict[int, datetime]:
    """Since when those of some who changed it have their address."""
    both = (_move.done_at.is_not(None), _move.old_agreed_at.is_not(None), _move.new_agreed_at.is_not(None))
    query = select(_move.subscriber_id, _move.done_at).where(among(connection, _move.subscriber_id, list(whose)), *both)
    return _last(connection, query)


def _began(connection: Connection, whose: Collection[int]) -> dict[int, datetime]:
    """Since when bounces of some count: they have that address since then, or a person said that they may be mailed again."""
    found = _moved(connection, whose)
    query = select(_lifted.subscriber_id, _lifted.at).where(among(connection, _lifted.subscriber_id, list(whose)))
    for one, at in _last(connection, query).items():
        found[one] = max(at, found.get(one, at))
    return found


def _last(connection: Connection, query: Select[Any]) -> dict[int, datetime]:
    last: dict[int, datetime] = {}
    for one, at in connection.execute(query):
        last[one] = max(at, last.get(one, at))
    return last


def _heard(connection: Connection, whose: Collection[int], issues: Collection[int]) -> defaultdict[tuple[int, int], list[Heard]]:
    query = select(_event.issue_id, _event.subscriber_id, _event.kind, _event.attempt, _event.reason).where(
        among(connection, _event.issue_id, list(issues)), among(connection, _event.subscriber_id, list(whose))
    )
    heard: defaultdict[tuple[int, int], list[Heard]] = defaultdict(list)
    for row in connection.execute(query):
        heard[row.issue_id, row.subscriber_id].append(Heard(Kind(row.kind), row.attempt, (row.reason or "").partition(":")[0]))
    return heard


def _is_silent(connection: Connection, issue: int) -> bool:
    """Whether of an issue nobody tells what arrived, as mail relays do not: one mail that says so of one reader tells of no other."""
    told = exists().where(_event.issue_id == issue, _event.kind == Kind.DELIVERED.value, _event.provider != MAIL)
    return not connection.execute(select(told)).scalar_one()

"""Resolving: what becomes of unknown deliveries without a person, in a fixed order.

1. The provider's events, which prove that a mail was taken, or dropped.
2. The same key again, where the provider that tried knows a delivery's id for a while and does not take it twice.
3. Evidence against, only while events come at all and none waits to be read: an hour has passed, of those accepted in the same
   ten minutes nearly all have an event, and this one has none. It was not taken, and is planned again.
4. The settings: held until a person says so, or counted as accepted after `delivery.unknown_after`.

Every resolution is a line of history with its reason.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import groupby

from sqlalchemy import ColumnElement, Connection, case, exists, func, or_, select, update

from digest.delivery.account import unknown
from digest.delivery.heeding import heed_waiting
from digest.delivery.history import note
from digest.delivery.ledger import Ledger
from digest.delivery.reports import any_unread
from digest.delivery.statements import stands
from digest.delivery.transitions import FORGETTABLE, DeliveryState
from digest.delivery.upkeep import resolve
from digest.settings import Delivery
from digest.store import tables

BY_KEY = "sent again with the same idempotency key"
BY_SILENCE = "no event of it, while others of the same ten minutes have theirs: it was not taken"
BY_AGE = "no word within delivery.unknown_after"
OUT_OF_LIFE = "the life of its idempotency key is over"

_S = DeliveryState
_AROUND = timedelta(minutes=5)  # before and after: ten minutes
_PATIENCE = timedelta(hours=1)
_UNREAD = timedelta(days=7)
_ALIVE = 0.99
_ENOUGH = 10  # accepted deliveries; fewer say nothing about whether events come
_row, _batch, _line, _event = tables.delivery.c, tables.batch.c, tables.history.c, tables.event.c


def resolve_unknown(connection: Connection, ledger: Ledger, settings: Delivery, life: timedelta, *, now: datetime) -> None:
    """Resolve what can be resolved of one issue; `life` is how long our provider knows a key. Goes by real time."""
    heed_waiting(connection, ledger.issue_id, actor=ledger.owner, now=now)
    doubt_again(connection, ledger, life, now=now)
    if unknown(connection, ledger.issue_id):
        resolve(connection, ledger, _by_key(connection, ledger, life, now), _S.PLANNED, now=now, reason=BY_KEY)
        if not any_unread(connection, since=now - _UNREAD):  # else the word that is missing may stand there
            resolve(connection, ledger, _by_silence(connection, ledger, now), _S.PLANNED, now=now, reason=BY_SILENCE)
        if settings.unknown == "assume-accepted":
            old = unknown(connection, ledger.issue_id, before=now - settings.unknown_after)
            resolve(connection, ledger, old, _S.ACCEPTED, now=now, reason=BY_AGE)


def _by_key(connection: Connection, ledger: Ledger, life: timedelta, now: datetime) -> list[int]:
    """Those that our provider tried once, and not so long ago that it could forget the key before they go out again."""
    if not life:
        return []
    tried = select(_batch.id).where(_batch.issue_id == ledger.issue_id, _batch.provider == ledger.provider)
    recent = select(_line.batch_id).where(
        _line.issue_id == ledger.issue_id, _line.to_state == _S.CLAIMED.value, _line.at > now - life / 2
    )
    once = select(_line.subscriber_id).where(*_again(ledger))
    where = (_row.issue_id == ledger.issue_id, stands(_S.UNKNOWN), _row.attempts == 1, _row.subscriber_id.not_in(once))
    whose = select(_row.subscriber_id).where(*where, _row.batch_id.in_(tried), _row.batch_id.in_(recent))
    return list(connection.execute(whose).scalars())


def doubt_again(connection: Connection, ledger: Ledger, life: timedelta, *, now: datetime) -> None:
    """What was to go out again with the same key and has not is unknown again, once that key may be forgotten.

    So it is where another provider would carry it, to which the key says nothing.
    """
    foreign = select(_batch.id).where(_batch.issue_id == ledger.issue_id, _batch.provider != ledger.provider)
    again = select(_line.subscriber_id).where(*_again(ledger))
    old = select(_line.subscriber_id).where(*_again(ledger), _line.at <= now - life / 4)
    forgotten = or_(_row.subscriber_id.in_(old), _row.batch_id.in_(foreign))
    waiting = (_row.issue_id == ledger.issue_id, stands(*FORGETTABLE), _row.subscriber_id.in_(again), forgotten)
    for subscriber, state in connection.execute(select(_row.subscriber_id, _row.state).where(*waiting)).all():
        one = (_row.issue_id == ledger.issue_id, _row.subscriber_id == subscriber, _row.state == state)
        values = {"state": _S.UNKNOWN.value, "not_before": None, "answer": OUT_OF_LIFE}
        if connection.execute(update(tables.delivery).where(*one).values(values)).rowcount:
            before = DeliveryState(state)
            owner = ledger.owner
            note(connection, ledger.issue_id, before, _S.UNKNOWN, now=now, actor=owner, subscriber=subscriber, reason=OUT_OF_LIFE)


def _again(ledger: Ledger) -> tuple[ColumnElement[bool], ...]:
    """The lines of those that were to go again by their key."""
    told = _line.subscriber_id.is_not(None)
    return _line.issue_id == ledger.issue_id, told, _line.from_state == _S.UNKNOWN.value, _line.reason == BY_KEY


def _by_silence(connection: Connection, ledger: Ledger, now: datetime) -> list[int]:
    """Those of whom there would be an event by now if they had been taken."""
    old = set(unknown(connection, ledger.issue_id, before=now - _PATIENCE))
    where = (_row.issue_id == ledger.issue_id, stands(_S.UNKNOWN), _row.batch_id.is_not(None))
    found = connection.execute(select(_row.batch_id, _row.subscriber_id).where(*where).order_by(_row.batch_id)).all()
    silent: list[int] = []
    for batch, rows in groupby(found, key=lambda row: row.batch_id):
        theirs = [row.subscriber_id for row in rows if row.subscriber_id in old]
        if theirs and _events_come(connection, ledger.issue_id, batch):
            silent += theirs
    return silent


def _events_come(connection: Connection, issue_id: int, batch: int) -> bool:
    """Whether nearly all that were accepted around a batch, by the same provider, have an event."""
    claimed = (_line.issue_id == issue_id, _line.to_state == _S.CLAIMED.value, _line.batch_id.is_not(None))
    at = connection.execute(select(func.max(_line.at)).where(*claimed, _line.batch_id == batch)).scalar_one()
    if at is None:
        return False
    provider = select(_batch.provider).where(_batch.id == batch).scalar_subquery()
    same = select(_batch.id).where(_batch.issue_id == issue_id, _batch.provider == provider)
    around = select(_line.batch_id).where(*claimed, _line.at > at - _AROUND, _line.at < at + _AROUND)
    told = exists().where(_event.issue_id == _row.issue_id, _event.subscriber_id == _row.subscriber_id)
    accepted = (_row.issue_id == issue_id, _row.state == _S.ACCEPTED.value, _row.batch_id.in_(same), _row.batch_id.in_(around))
    counted = select(func.count(), func.coalesce(func.sum(case((told, 1), else_=0)), 0)).where(*accepted)
    many, with_event = connection.execute(counted).one()
    return bool(many >= _ENOUGH and with_event >= _ALIVE * many)

"""Upkeep of an issue's deliveries, outside the sending itself: sweep, replan, expire, cancel, resolve."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, insert, select, true, update

from digest.audience.dialects import among, insert_all
from digest.delivery import statements
from digest.delivery.history import note
from digest.delivery.ledger import Ledger
from digest.delivery.statements import stands, still
from digest.delivery.transitions import DeliveryState
from digest.store import tables

_S = DeliveryState
_AT_ONCE = 1000
_row, _batch = tables.delivery.c, tables.batch.c


@dataclass(frozen=True, slots=True)
class Swept:
    """What dead processes left behind: claimed ones that are planned again, and ones that are unknown now."""

    planned: int
    unknown: int


def sweep(connection: Connection, ledger: Ledger, *, now: datetime, others_are_dead: bool, ended: Collection[str] = ()) -> Swept:
    """Take over what died: claimed goes back to planned, sending becomes unknown.

    A claim is dead when its lease has ended, a request when its deadline has passed; both at once where it is known that
    no other process is alive, or that the owner is one of those that have `ended`.
    """
    dead = _batch.owner != ledger.owner if others_are_dead else (_batch.lease_until <= now) | _batch.owner.in_(ended)
    batches = select(_batch.id, _batch.deadline_at, _batch.owner).where(
        _batch.issue_id == ledger.issue_id, _batch.finished_at.is_(None), dead
    )
    planned = unknown = 0
    for batch, deadline, owner in connection.execute(batches).all():
        held = _row.batch_id == batch
        reason = "the process that claimed it ended"
        planned += _move(connection, ledger, held, _S.CLAIMED, _S.PLANNED, now=now, reason=reason, batch=batch)
        if not others_are_dead and owner not in ended and deadline > now:
            continue
        reason = "the process that was sending it ended before an answer was written down"
        lost = select(_row.subscriber_id).where(_row.issue_id == ledger.issue_id, held, stands(_S.SENDING))
        unknown += _each(connection, ledger, list(connection.execute(lost).scalars()), _S.SENDING, _S.UNKNOWN, now, reason)
        ledger.finish(connection, batch, now=now)
    return Swept(planned, unknown)


def replan(connection: Connection, ledger: Ledger, *, now: datetime, all_of_them: bool = False) -> int:
    """Deferred deliveries whose time has come are planned again."""
    reason = "tried again"
    if all_of_them:
        return _move(connection, ledger, true(), _S.DEFERRED, _S.PLANNED, now=now, reason=reason)
    done = int(statements.REPLAN.run(connection, {"issue": ledger.issue_id, "now": now}).rowcount)
    note(connection, ledger.issue_id, _S.DEFERRED, _S.PLANNED, now=now, actor=ledger.owner, count=done, reason=reason)
    return done


def expire(connection: Connection, ledger: Ledger, *, now: datetime, reason: str) -> int:
    """Deliveries that waited too long end; their articles are given back when the issue settles."""
    return sum(
        _move(connection, ledger, true(), state, _S.EXPIRED, now=now, reason=reason) for state in (_S.PLANNED, _S.DEFERRED)
    )


def cancel(connection: Connection, ledger: Ledger, *, now: datetime, reason: str) -> int:
    """End everything that has not been sent."""
    waiting = (_S.PLANNED, _S.CLAIMED, _S.DEFERRED)
    return sum(_move(connection, ledger, true(), state, _S.CANCELLED, now=now, reason=reason) for state in waiting)


def drop(connection: Connection, ledger: Ledger, batch: int, rendition: int, *, now: datetime) -> None:
    """Cancel a batch of ours, and everybody else who waits for its rendition: every article of that was withdrawn."""
    held = tables.rendition_article.c
    articles = select(func.count()).where(held.issue_id == ledger.issue_id, held.rendition == rendition)
    alone = connection.execute(articles).scalar_one() == 1
    reason = "its only article was withdrawn" if alone else "all its articles were withdrawn"
    ours = _row.batch_id == batch
    _move(connection, ledger, ours, _S.CLAIMED, _S.CANCELLED, now=now, reason=reason, batch=batch, answer=reason)
    for state in (_S.PLANNED, _S.DEFERRED):
        which = _row.rendition == rendition
        _move(connection, ledger, which, state, _S.CANCELLED, now=now, reason=reason, answer=reason)
    ledger.finish(connection, batch, now=now)


def resolve(
    connection: Connection, ledger: Ledger, whose: Sequence[int], to: DeliveryState, *, now: datetime, reason: str
) -> int:
    """Say what became of unknown deliveries: accepted, rejected, or planned again. Returns of how many it was true."""
    return _each(connection, ledger, whose, _S.UNKNOWN, to, now, reason)


def _each(
    connection: Connection,
    ledger: Ledger,
    whose: Sequence[int],
    from_state: DeliveryState,
    to_state: DeliveryState,
    now: datetime,
    reason: str,
) -> int:
    """Some at a time: of a worker that died there may be thousands, and while they are written down nobody else writes."""
    done = 0
    said_from = _S.CLAIMED if from_state is _S.SENDING else from_state  # marks have no line of their own
    for begin in range(0, len(whose), _AT_ONCE):
        those = among(connection, _row.subscriber_id, whose[begin : begin + _AT_ONCE])
        where = (_row.issue_id == ledger.issue_id, those, still(from_state))
        change = update(tables.delivery).where(*where).values(state=to_state.value, answer=reason)
        moved = sorted(connection.execute(change.returning(_row.subscriber_id)).scalars())
        line = {"issue_id": ledger.issue_id, "count": 1, "from_state": said_from.value, "to_state": to_state.value}
        line |= {"actor": ledger.owner, "reason": reason, "at": tables.instant_text(now)}
        if moved:
            insert_all(connection, insert(tables.history), [line | {"subscriber_id": one} for one in moved])
        done += len(moved)
    return done


def _move(
    connection: Connection,
    ledger: Ledger,
    which: ColumnElement[bool],
    from_state: DeliveryState,
    to_state: DeliveryState,
    *,
    now: datetime,
    reason: str,
    batch: int | None = None,
    answer: str | None = None,
) -> int:
    where = (_row.issue_id == ledger.issue_id, stands(from_state), which)
    values = {"state": to_state.value, "not_before": None} | ({} if answer is None else {"answer": answer})
    done = connection.execute(update(tables.delivery).where(*where).values(values)).rowcount
    note(connection, ledger.issue_id, from_state, to_state, now=now, actor=ledger.owner, count=done, batch=batch, reason=reason)
    return done

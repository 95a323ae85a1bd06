"""Mistakes about what is in doubt: what is sent again, and how soon."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest import mock

from sqlalchemy import Connection, exists, select, update

from digest.delivery import upkeep
from digest.delivery.engines import turns
from digest.delivery.history import note
from digest.delivery.ledger import Ledger
from digest.delivery.providers.answer import Answer, Outcome
from digest.delivery.steps import Settle
from digest.delivery.transitions import DeliveryState
from digest.store import tables

_S = DeliveryState
_row = tables.delivery.c


@contextmanager
def retry_on_5xx() -> Iterator[None]:
    """An answer that leaves it in doubt is taken for a refusal."""
    original = Ledger.settle

    def _sure(answer: Answer) -> Answer:
        outcomes = tuple(Outcome.DEFERRED if one is Outcome.UNKNOWN else one for one in answer.outcomes)
        return replace(answer, outcomes=outcomes)

    def settle(self: Ledger, connection: Connection, settles: Sequence[Settle], **rest: Any) -> Any:
        return original(self, connection, [replace(one, answer=_sure(one.answer)) for one in settles], **rest)

    with mock.patch.object(Ledger, "settle", settle):
        yield


def _sweeping(which: Callable[[Any], Any]) -> AbstractContextManager[Any]:
    """A sweep that plans again what `which` says of what is being sent."""
    original = upkeep.sweep

    def sweep(connection: Connection, ledger: Ledger, **rest: Any) -> upkeep.Swept:
        batch = tables.batch.c
        of = exists().where(batch.id == _row.batch_id, which(rest))
        lost = select(_row.subscriber_id).where(_row.state == "sending", of)
        for one in connection.execute(lost).scalars().all():
            connection.execute(update(tables.delivery).where(_row.subscriber_id == one).values(state="planned"))
            note(connection, ledger.issue_id, _S.CLAIMED, _S.PLANNED, now=rest["now"], actor="rescue", subscriber=one)
        return original(connection, ledger, **rest)

    return mock.patch.object(upkeep, "sweep", sweep)


def rescue_by_age() -> AbstractContextManager[Any]:
    """What has been under way for a while is sent again, whoever is still at it."""
    return _sweeping(lambda rest: tables.batch.c.lease_until <= rest["now"] + timedelta(seconds=29))


def resend_without_evidence() -> AbstractContextManager[Any]:
    """What a dead process was sending is sent again."""
    return _sweeping(lambda rest: tables.batch.c.deadline_at <= (rest["now"] + timedelta(days=999 * rest["others_are_dead"])))


@contextmanager
def lease_shorter_than_the_deadline() -> Iterator[None]:
    """A request may last longer than the claim that covers it."""
    with mock.patch.object(turns, "longest_send", return_value=timedelta(0)), mock.patch.object(turns, "MARGIN", timedelta(0)):
        yield

"""Mistakes at the last moment before a message leaves: when the clock is looked at, and what becomes of what is late."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from typing import Any
from unittest import mock

from sqlalchemy import select, update

from digest.delivery import statements, upkeep
from digest.delivery.dispatch import Dispatch
from digest.delivery.engines import turns
from digest.delivery.lane import Lane, Phase
from digest.delivery.ledger import Ledger
from digest.delivery.steps import Mark
from digest.delivery.transitions import DeliveryState
from digest.store import tables
from digest.store.prepared import Prepared
from tests.journeys.project import MONDAY
from tests.proofs.mutants.projects import projects

_S = DeliveryState
_row = tables.delivery.c


def nobody_looks_at_the_clock() -> AbstractContextManager[Any]:
    """What is marked is handed over, however long ago that was."""
    return mock.patch.object(turns.Turns, "_is_in_time", return_value=True)


def the_clock_is_looked_at_too_soon() -> AbstractContextManager[Any]:
    """Whether it is in time is found out when a job is given to a lane, and the lane may have no time for it."""

    def found_out_now(ask: Callable[[datetime], bool], deadline: datetime) -> Callable[[], bool]:
        said = ask(deadline)
        return lambda: said

    return mock.patch.object(turns, "partial", found_out_now)


@contextmanager
def not_handed_over_is_unknown() -> Iterator[None]:
    """When nobody waits any longer, whatever has no answer is unknown, also what never left."""
    original = Dispatch._kept

    def kept(self: Dispatch, number: int, lane: Lane) -> None:
        if lane.phase is not Phase.ANSWERED:
            original(self, number, lane)

    with mock.patch.object(Dispatch, "_kept", kept):
        yield


def taken_back_without_looking() -> AbstractContextManager[Any]:
    """A mark is taken back, whoever has made it and whatever has become of it."""
    anybody = (
        update(tables.delivery)
        .where(statements._ISSUE, statements._WHOSE)
        .values(state="planned", attempts=_row.attempts - 1)
        .returning(_row.subscriber_id)
    )
    return mock.patch.object(statements, "TAKE_BACK", dict.fromkeys(statements.TAKE_BACK, Prepared(anybody)))


def only_our_own_is_taken_back() -> None:
    """A process sleeps with a marked delivery, is given up, and another one is sending it by a person's word."""
    with projects() as project:
        project.plan()
        issue = project.issue("weekly/1")
        sleeping, other = (Ledger(issue.id, issue.newsletter, "smtp", owner) for owner in ("sleeping", "other"))
        with project.app() as app, app.store.writing() as connection:
            batch, whose = _mark(sleeping, connection)
            upkeep.sweep(connection, other, now=MONDAY, others_are_dead=True)
            upkeep.resolve(connection, other, whose, _S.PLANNED, now=MONDAY, reason="a person said so")
            assert _mark(other, connection)[1] == whose
            sleeping.take_back(connection, batch, whose, now=MONDAY)
            states = set(connection.execute(select(_row.state)).scalars())
        assert states == {"sending"}, f"being sent, and {states}"


def _mark(ledger: Ledger, connection: Any) -> tuple[int, tuple[int, ...]]:
    found = ledger.claim(connection, 2, now=MONDAY, lease=timedelta(minutes=1))
    assert found is not None
    claimed = found[0]
    assert ledger.mark(connection, [Mark(0, claimed.batch, claimed.recipients)], now=MONDAY) == [list(claimed.recipients)]
    return claimed.batch, claimed.recipients

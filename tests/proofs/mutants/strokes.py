"""Mistakes in claiming and marking at one stroke: what it looks at, what it leaves durable, whom it unmarks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any
from unittest import mock

from sqlalchemy import ColumnElement, Connection, bindparam, true, update

from digest.delivery import statements
from digest.delivery.engines.turns import Turns
from digest.delivery.ledger import Ledger
from digest.delivery.steps import Mark
from digest.delivery.transitions import DeliveryState
from digest.store import tables
from digest.store.prepared import Prepared

_row = tables.delivery.c


@contextmanager
def _looking_at(*what: ColumnElement[bool]) -> Iterator[None]:
    """The stroke, with these of its conditions alone, whichever way it is made."""
    stroke = update(tables.delivery).values(state="sending", batch_id=bindparam("batch"), attempts=_row.attempts + 1)
    listed = stroke.where(statements._ISSUE, statements._WHOSE, _row.state == "planned", *what).returning(_row.subscriber_id)
    at_once = stroke.where(statements._ISSUE, statements._WHOSE, statements.stands(DeliveryState.PLANNED))
    of_the_issue = [one for one in what if one is statements._SENDABLE]
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(statements, "CLAIM_AND_MARK", Prepared(listed)))
        stack.enter_context(mock.patch.object(statements, "STROKE", Prepared(at_once.where(*of_the_issue))))
        yield


@contextmanager
def nobody_is_looked_at() -> Iterator[None]:
    """Whoever is planned is marked, whether they left or are suppressed meanwhile."""
    everybody = Prepared(statements._NEXT_ONES.add_columns(true().label("may")))
    with _looking_at(statements._SENDABLE, ~statements._STOPPED), mock.patch.object(statements, "WAITING_AND_MAY", everybody):
        yield


def the_issue_is_not_looked_at() -> AbstractContextManager[Any]:
    """Whoever may be mailed is marked, whatever was withdrawn from the issue."""
    return _looking_at(statements._ACTIVE, ~statements._SUPPRESSED)


@contextmanager
def not_durable() -> Iterator[None]:
    """Those that are claimed are said to be marked."""

    def claim_and_mark(self: Ledger, connection: Connection, size: int, **rest: Any) -> Any:
        found = self.claim(connection, size, **rest)
        return None if found is None else (*found, frozenset(found[0].recipients))

    with mock.patch.object(Ledger, "claim_and_mark", claim_and_mark):
        yield


@contextmanager
def who_is_wanted_is_unmarked_too() -> Iterator[None]:
    """What is on its way to the provider is only claimed."""

    def unmark_rest(self: Turns, at: Any, marks: Sequence[Mark] = ()) -> None:
        for batch, whose in self._unasked.items():
            self._books.unmark(at, batch, sorted(whose))

    with mock.patch.object(Turns, "_unmark_rest", unmark_rest):
        yield


def nobody_is_unmarked() -> AbstractContextManager[Any]:
    """Those whom an allowance has no room for stay marked, and are never handed over."""
    return mock.patch.object(Turns, "_unmark_rest", return_value=None)

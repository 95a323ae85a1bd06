"""Mistakes in claiming and marking at one stroke: what it looks at, what it leaves durable, whom it unmarks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any
from unittest import mock

from sqlalchemy import ColumnElement, Connection, bindparam, update

from digest.delivery import statements
from digest.delivery.engines.turns import Turns
from digest.delivery.ledger import Ledger
from digest.delivery.steps import Mark
from digest.store import tables
from digest.store.prepared import Prepared

_row = tables.delivery.c


def _looking_at(*what: ColumnElement[bool]) -> AbstractContextManager[Any]:
    """The stroke, with these of its conditions alone."""
    stroke = (
        update(tables.delivery)
        .where(statements._ISSUE, statements._WHOSE, _row.state == "planned", *what)
        .values(state="sending", batch_id=bindparam("batch"), attempts=_row.attempts + 1)
        .returning(_row.subscriber_id)
    )
    return mock.patch.object(statements, "CLAIM_AND_MARK", Prepared(stroke))


def nobody_is_looked_at() -> AbstractContextManager[Any]:
    """Whoever is planned is marked, whether they left or are suppressed meanwhile."""
    return _looking_at(statements._SENDABLE, ~statements._HALTED)


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

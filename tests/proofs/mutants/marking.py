"""Mistakes in the order of mark, send and settle, and in what a mark looks at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any
from unittest import mock

from sqlalchemy import Connection, bindparam, exists, update

from digest.delivery import statements
from digest.delivery.ledger import Ledger
from digest.delivery.refusals import Refusal
from digest.delivery.steps import Mark, Settle
from digest.delivery.transitions import DeliveryState
from digest.store import tables
from digest.store.prepared import OneOf, Prepared

_S = DeliveryState
_row = tables.delivery.c


@contextmanager
def mark_then_send() -> Iterator[None]:
    """What is about to be sent is written down as sent."""
    original = Ledger.mark

    def mark(self: Ledger, connection: Connection, marks: Sequence[Mark], **rest: Any) -> list[Any]:
        found = original(self, connection, marks, **rest)
        for asked, marked in zip(marks, found, strict=True):
            if not isinstance(marked, Refusal):
                self._leave(connection, asked.batch, marked, _S.SENDING, _S.ACCEPTED)
        return found

    with mock.patch.object(Ledger, "mark", mark):
        yield


@contextmanager
def send_then_mark() -> Iterator[None]:
    """Nothing is written down before the answer is there."""
    original_mark, original_settle = Ledger.mark, Ledger.settle
    asked: dict[tuple[int, int], dict[str, Any]] = {}

    def mark(self: Ledger, connection: Connection, marks: Sequence[Mark], **rest: Any) -> list[Any]:
        asked.update({(mark.batch, one): rest for mark in marks for one in mark.recipients})
        return [list(mark.recipients) for mark in marks]

    def settle(self: Ledger, connection: Connection, settles: Sequence[Settle], **rest: Any) -> Any:
        for one in settles:
            with suppress(Exception):
                again = Mark(one.lane, one.batch, one.recipients)
                original_mark(self, connection, [again], **asked[one.batch, one.recipients[0]])
        return original_settle(self, connection, settles, **rest)

    with mock.patch.object(Ledger, "mark", mark), mock.patch.object(Ledger, "settle", settle):
        yield


@contextmanager
def commit_after_the_answer() -> Iterator[None]:
    """The mark is made, and made durable together with the answer only."""
    original_mark, original_settle = Ledger.mark, Ledger.settle
    asked: dict[tuple[int, int], dict[str, Any]] = {}

    def mark(self: Ledger, connection: Connection, marks: Sequence[Mark], **rest: Any) -> list[Any]:
        asked.update({(mark.batch, one): rest for mark in marks for one in mark.recipients})
        part = connection.begin_nested()
        try:
            return original_mark(self, connection, marks, **rest)
        finally:
            part.rollback()

    def settle(self: Ledger, connection: Connection, settles: Sequence[Settle], **rest: Any) -> Any:
        for one in settles:
            with suppress(Exception):
                again = Mark(one.lane, one.batch, one.recipients)
                original_mark(self, connection, [again], **asked[one.batch, one.recipients[0]])
        return original_settle(self, connection, settles, **rest)

    with mock.patch.object(Ledger, "mark", mark), mock.patch.object(Ledger, "settle", settle):
        yield


@contextmanager
def cursor_checkpoint() -> Iterator[None]:
    """A claim moves a cursor: whoever it passed counts as done."""
    original = Ledger.claim

    def claim(self: Ledger, connection: Connection, size: int, **rest: Any) -> Any:
        found = original(self, connection, size, **rest)
        if found is not None:
            self._leave(connection, found[0].batch, found[0].recipients, _S.CLAIMED, _S.ACCEPTED)
        return found

    def mark(self: Ledger, connection: Connection, marks: Sequence[Mark], **rest: Any) -> list[Any]:
        return [list(mark.recipients) for mark in marks]

    with mock.patch.object(Ledger, "claim", claim), mock.patch.object(Ledger, "mark", mark):
        yield


@contextmanager
def no_compare_and_set() -> Iterator[None]:
    """Steps are written without looking at what stands there."""
    whose = (_row.issue_id == bindparam("issue"), OneOf(_row.subscriber_id, "whose"))
    mark, leave = update(tables.delivery).where(*whose), update(tables.delivery).where(*whose)
    values: dict[str, Any] = {"state": bindparam("to_state"), "answer": bindparam("words"), "not_before": bindparam("when")}
    marked = mark.values(state="sending", attempts=_row.attempts + 1).returning(_row.subscriber_id, _row.batch_id)
    accepted = leave.values(state="accepted", answer=None, not_before=None).returning(_row.subscriber_id)
    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(statements, "MARK", Prepared(marked)))
        stack.enter_context(mock.patch.object(statements, "ACCEPT", Prepared(accepted)))
        whole = Prepared(leave.values(state="accepted", answer=None, not_before=None))
        stack.enter_context(mock.patch.object(statements, "ACCEPT_WHOLE", whole))
        left = dict.fromkeys(statements.LEAVE, Prepared(leave.values(values)))
        stack.enter_context(mock.patch.object(statements, "LEAVE", left))
        yield


@contextmanager
def suppression_is_not_looked_at_again() -> Iterator[None]:
    """Who left after the plan is sent to."""
    owned = exists().where(
        tables.batch.c.id == _row.batch_id,
        tables.batch.c.owner == bindparam("owner"),
        tables.batch.c.lease_until > bindparam("now"),
    )
    mark = (
        update(tables.delivery)
        .where(_row.issue_id == bindparam("issue"), OneOf(_row.subscriber_id, "whose"), _row.state == "claimed")
        .where(OneOf(_row.batch_id, "batches"), owned)
        .values(state="sending", attempts=_row.attempts + 1)
        .returning(_row.subscriber_id, _row.batch_id)
    )
    with mock.patch.object(statements, "MARK", Prepared(mark)):
        yield

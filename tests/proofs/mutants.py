"""The fifteen known mistakes of systems that send mail, seeded into Digest one by one: each must be caught.

A mutant is a patch of the product and a prover: a proof that passes on the product as it is, and raises `AssertionError` on
the mutant.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

from sqlalchemy import (
    Connection,
    Table,
    bindparam,
    exists,
    select,
    text,
    update,
)

from digest.app import running
from digest.delivery import event, heeding, plan, statements, upkeep
from digest.delivery.engines import turns
from digest.delivery.event import Kind
from digest.delivery.history import note
from digest.delivery.ledger import Ledger
from digest.delivery.providers.answer import Answer, Outcome
from digest.delivery.refusals import Refusal
from digest.delivery.steps import Mark, Settle
from digest.delivery.transitions import DeliveryState
from digest.errors import DigestError
from digest.issues.issue import frozen_of
from digest.store import tables
from digest.store.database import Store
from digest.store.epoch import SendEpoch
from digest.store.prepared import OneOf, Prepared
from digest.testing.smtp_sink import Now
from digest.testing.smtp_talk import React
from tests.journeys.project import MONDAY, Project, a_project, article
from tests.proofs.invariants import judge
from tests.proofs.simulation import run_seeds

_S = DeliveryState
_row = tables.delivery.c
SEEDS = 400

Patch = Callable[[], AbstractContextManager[Any]]


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mistake."""

    name: str
    patch: Patch
    prove: Callable[[], None]


def schedules() -> None:
    """Simulated schedules, until one does not hold."""
    run_seeds(1, SEEDS)


# Mistakes in the order of mark, send and settle.


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
        left = dict.fromkeys(statements.LEAVE, Prepared(leave.values(values)))
        stack.enter_context(mock.patch.object(statements, "LEAVE", left))
        yield


# Mistakes about what is in doubt.


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


# Mistakes about who is sent to, and from where. They are proven on a project of two or three people.


@contextmanager
def projects(script: Callable[[Now], React | None] | None = None) -> Iterator[Project]:
    """A project with two subscribers and one article."""
    with tempfile.TemporaryDirectory(prefix="digest-mutant-") as folder, a_project(Path(folder), script) as project:
        for name in ("ann", "bob"):
            project.join(f"{name}@x.example")
        project.offer(article("a"))
        yield project


def arrived(project: Project) -> dict[str, int]:
    """Who got how many."""
    counts: dict[str, int] = {}
    for one in project.sink.arrived:
        counts[one.rcpt_to] = counts.get(one.rcpt_to, 0) + one.accepted
    return {address: count for address, count in counts.items() if count}


def hold(project: Project, *, finished: bool = True) -> None:
    """Everything that must hold, of the project's one issue."""
    with project.app() as app, app.store.reading() as connection:
        judge(connection, arrived(project), finished=finished)


@contextmanager
def audience_not_frozen() -> Iterator[None]:
    """Each send takes in whoever has joined since."""
    original = upkeep.sweep

    def sweep(connection: Connection, ledger: Ledger, **rest: Any) -> Any:
        there = select(_row.subscriber_id).where(_row.issue_id == ledger.issue_id)
        person = tables.subscriber.c.id
        for one in connection.execute(select(person).where(person.not_in(there))).scalars().all():
            line = "INSERT INTO delivery (issue_id, subscriber_id, group_number, rendition, state) VALUES (:issue, :one, 1, 1, 'planned')"
            connection.execute(text(line), {"issue": ledger.issue_id, "one": one})
        return original(connection, ledger, **rest)

    with mock.patch("digest.delivery.sending.sweep", sweep):
        yield


def newcomers_wait_for_the_next_issue() -> None:
    """Somebody joins while an issue is half sent."""

    def busy(now: Now) -> React | None:
        return React("450 4.2.1 busy") if now.moment == "RCPT" and "bob" in now.line and now.message < 3 else None

    with projects(busy) as project:
        project.run(MONDAY)
        project.join("new@x.example", at=MONDAY)
        try:
            project.run(MONDAY + timedelta(minutes=30))
        except DigestError as error:
            raise AssertionError(str(error)) from error
        hold(project, finished=False)


def _without(store: Store, table: Table, keyword: str) -> None:
    """Make an empty table anew, without its constraints that begin with a keyword."""
    with store.writing() as connection:
        made = text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = :name")
        words = str(connection.execute(made, {"name": table.name}).scalar_one())
        bare = re.sub(rf",\s*(?:CONSTRAINT \w+ )?{keyword} \([^)]*\)", "", words).replace("WITHOUT ROWID", "")
        assert bare != words
        connection.execute(text("PRAGMA defer_foreign_keys = ON"))
        connection.execute(text(f"DROP TABLE {table.name}"))
        connection.execute(text(bare))


@contextmanager
def _made_without(keyword: str, *made: Table) -> Iterator[None]:
    original = Store._create

    def create(self: Store) -> None:
        original(self)
        for table in made:
            _without(self, table, keyword)

    with mock.patch.object(Store, "_create", create):
        yield


@contextmanager
def no_unique_key() -> Iterator[None]:
    """Nothing stops a second delivery of the same issue to the same person."""

    def step(connection: Connection, issue_id: int, name: str, before: Any, after: Any, **values: Any) -> None:
        kept = {key: value for key, value in values.items() if key in tables.issue.c}
        connection.execute(update(tables.issue).where(tables.issue.c.id == issue_id).values(state=after.value, **kept))

    keyed = (tables.delivery, tables.rendition_article, tables.rendition, tables.audience_group)
    with _made_without("PRIMARY KEY", *keyed), mock.patch.object(plan, "step", step):
        yield


def two_plans_are_one() -> None:
    """Two processes plan the same approved issue, each from what it read before."""
    with projects() as project:
        project.configure('approval = "automatic"', 'approval = "required"')
        assert project.command("issues", "draft", "weekly", "--now", MONDAY.isoformat()).returncode == 0
        assert project.command("issues", "approve", "weekly/1", "--now", MONDAY.isoformat()).returncode == 0
        issue = project.issue("weekly/1")
        with project.app() as app:
            for _ in range(2):
                with suppress(Exception), app.store.writing() as connection:
                    plan.plan(connection, issue, frozen_of(connection, issue), now=MONDAY)
            with app.store.reading() as connection:
                rows = connection.execute(select(_row.subscriber_id)).scalars().all()
        assert len(rows) == len(set(rows)) == 2, f"{len(rows)} deliveries for two people"


@contextmanager
def two_schedulers() -> Iterator[None]:
    """Two runs at once, with nothing that tells them of each other."""
    with ExitStack() as stack:
        stack.enter_context(_made_without("UNIQUE", tables.issue))
        stack.enter_context(mock.patch.object(Store, "run_lock", side_effect=nullcontext))
        stack.enter_context(mock.patch.object(running, "issue_of_slot", return_value=None))
        yield


def one_slot_is_one_issue() -> None:
    """The slot is handled by two schedulers. Even then nobody gets an article twice: coverage points see to that."""
    with projects() as project:
        for _ in range(2):
            with suppress(DigestError):
                project.run(MONDAY)
        slots = [issue.slot for issue in project.issues()]
        assert len(slots) == len(set(slots)), f"{len(slots)} issues of one slot"


@contextmanager
def restore_sends_again() -> Iterator[None]:
    """A restored database is trusted."""
    with mock.patch.object(SendEpoch, "obstacle", return_value=None):
        yield


def a_restored_database_waits() -> None:
    """A backup from before the issue is put back."""
    with projects() as project:
        database = project.folder / "digest.db"
        with project.app() as app:
            app.store.prepare()
        shutil.copy(database, project.folder / "backup.db")
        project.run(MONDAY)
        for leftover in project.folder.glob("digest.db-*"):
            leftover.unlink()
        shutil.copy(project.folder / "backup.db", database)
        project.run(MONDAY + timedelta(minutes=30))
        twice = {address: count for address, count in arrived(project).items() if count > 1}
        assert not twice, f"arrived twice: {twice}"


@contextmanager
def event_overwrites_accepted() -> Iterator[None]:
    """The last event wins, whatever was known before."""

    def proved(before: DeliveryState, attempts: int, heard: Sequence[Any]) -> Any:
        for one in heard:
            if one.kind is Kind.REJECTED:
                return _S.REJECTED, one
        return event.proved(before, attempts, heard)

    with mock.patch("digest.delivery.heeding.proved", proved):
        yield


def accepted_absorbs() -> None:
    """A drop is reported of a delivery that was accepted."""
    with projects() as project:
        project.run(MONDAY)
        with project.app() as app, app.store.writing() as connection:
            issue = project.issue("weekly/1")
            whose = connection.execute(select(_row.subscriber_id)).scalars().all()
            line = {"issue_id": issue.id, "attempt": 1, "kind": Kind.REJECTED.value, "occurred_at": MONDAY}
            more = {"provider": "smtp", "provider_message_id": "m", "received_at": MONDAY}
            connection.execute(tables.event.insert(), [line | more | {"subscriber_id": one} for one in whose])
            heeding.heed(connection, issue.id, whose, actor="test", now=MONDAY)
        hold(project)


MUTANTS = (
    Mutant("mark, then send", mark_then_send, schedules),
    Mutant("send, then mark", send_then_mark, schedules),
    Mutant("no compare-and-set", no_compare_and_set, schedules),
    Mutant("retry on 5xx", retry_on_5xx, schedules),
    Mutant("rescue by age", rescue_by_age, schedules),
    Mutant("no unique key", no_unique_key, two_plans_are_one),
    Mutant("audience not frozen", audience_not_frozen, newcomers_wait_for_the_next_issue),
    Mutant("event overwrites accepted", event_overwrites_accepted, accepted_absorbs),
    Mutant("lease shorter than the deadline", lease_shorter_than_the_deadline, schedules),
    Mutant("commit after the answer only", commit_after_the_answer, schedules),
    Mutant("cursor checkpoint", cursor_checkpoint, schedules),
    Mutant("resend without evidence", resend_without_evidence, schedules),
    Mutant("suppression not re-checked", suppression_is_not_looked_at_again, schedules),
    Mutant("two schedulers", two_schedulers, one_slot_is_one_issue),
    Mutant("restore re-sends", restore_sends_again, a_restored_database_waits),
)

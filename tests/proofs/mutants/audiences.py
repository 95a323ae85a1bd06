"""Mistakes about who is sent to: an audience that grows, two plans, two schedulers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from datetime import timedelta
from typing import Any
from unittest import mock

from sqlalchemy import Connection, Table, select, text, update

from digest.app import running
from digest.delivery import plan, upkeep
from digest.delivery.ledger import Ledger
from digest.errors import DigestError
from digest.issues.issue import frozen_of
from digest.store import tables
from digest.store.database import Store
from digest.testing.smtp_sink import Now
from digest.testing.smtp_talk import React
from tests import databases
from tests.journeys.project import MONDAY
from tests.proofs.mutants.projects import hold, projects

_row = tables.delivery.c


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

    anew = databases._an_sqlite_file.__wrapped__  # not the one that was made before
    with mock.patch.object(Store, "_create", create), mock.patch.object(databases, "_an_sqlite_file", anew):
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

"""A planned issue to try the ledger on, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, select

from digest.app import App
from digest.app.fetching import fetch
from digest.app.issuing import approve, coming_slot, draft
from digest.delivery.ledger import Ledger
from digest.delivery.plan import plan
from digest.delivery.providers.answer import Answer, Outcome
from digest.issues.issue import Issue, find_issue, frozen_of
from digest.store import tables
from tests.journeys.project import MONDAY, Project, a_project, article
from tests.marking import settle_batch

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
LEASE = timedelta(seconds=30)


@dataclass(slots=True)
class Planned:
    """A planned issue of six readers, and a connection to work on it."""

    app: App
    connection: Connection
    issue: Issue

    def ledger(self, owner: str = "one") -> Ledger:
        return Ledger(self.issue.id, self.issue.newsletter, "test", owner)

    def states(self) -> list[str]:
        row = tables.delivery.c
        return list(self.connection.execute(select(row.state).order_by(row.subscriber_id)).scalars())

    def claim(self, owner: str = "one", size: int = 6) -> tuple[int, list[int]]:
        found = self.ledger(owner).claim(self.connection, size, now=NOW, lease=LEASE)
        assert found is not None
        return found[0].batch, list(found[0].recipients)

    def settle(self, batch: int, whose: list[int], *outcomes: Outcome, owner: str = "one") -> None:
        settle_batch(self.ledger(owner), self.connection, batch, whose, Answer(outcomes, "said"), now=NOW, retry_at={})


@contextmanager
def a_planned_issue(folder: Path) -> Iterator[Planned]:
    """The issue, in a transaction that is still open."""
    with a_project(folder) as project:
        make(project)
        with project.app() as app, app.store.writing() as connection:
            yield Planned(app, connection, find_issue(connection, "weekly/1"))


def make(project: Project) -> None:
    """Six readers of two renditions, and an issue planned for them."""
    for number in range(6):
        project.join(f"u{number}@x.example", "databases" if number < 4 else "python")
    project.offer(article("a"), article("b", tags=("databases",)))
    assert plan_issue(project) == 6


def plan_issue(project: Project) -> int:
    """The coming issue is being sent, and nothing of it has left; to how many."""
    with project.app() as app:
        fetch(app)
        newsletter = app.settings.newsletters[0]
        frequency = newsletter.frequencies[0]
        issue = approve(app, draft(app, newsletter, frequency, coming_slot(app, newsletter, frequency), "test"), "test")
        with app.store.writing() as connection:
            return plan(connection, issue, frozen_of(connection, issue), now=MONDAY)

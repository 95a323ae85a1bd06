"""Many weeks at random: whatever readers, articles and deliveries do, nobody gets an article twice and none is lost.

The ledger is worked directly, with drawn outcomes; nothing is really sent. The seed is printed;
`DIGEST_WEEKS_SEED=SEED` repeats it, `DIGEST_WEEKS=MANY` draws more.
"""

from __future__ import annotations

import os
import random
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, select

from digest.app import App
from digest.app.fetching import fetch
from digest.app.issuing import approve, cancel, coming_slot, draft
from digest.app.running import audience_of
from digest.audience.people import subscribe
from digest.delivery import upkeep
from digest.delivery.account import account, unknown
from digest.delivery.ledger import Ledger
from digest.delivery.plan import plan
from digest.delivery.providers.answer import Answer, Outcome
from digest.delivery.settling import conclude
from digest.delivery.transitions import COUNTS_AS_SENT, DeliveryState
from digest.errors import Refused
from digest.insights.coverage import audit
from digest.issues.issue import Issue, frozen_of, issue_by_id, list_issues
from digest.issues.lifecycle import IssueState
from digest.issues.owed import parse_owed
from digest.store import tables
from tests.journeys.project import BEGAN, Project, a_project, article
from tests.marking import mark_batch, settle_batch

TOPICS = ("databases", "python", "security")
DAYS = 40
CARRY_OVER = 3
NOW = datetime(2026, 11, 23, tzinfo=UTC)


class Weeks:
    """One drawn history."""

    def __init__(self, project: Project, draw: random.Random) -> None:
        self.project, self.draw = project, draw
        self.offered: list[dict[str, object]] = []
        self.people: list[str] = []
        self.open: list[int] = []

    def live(self) -> None:
        for day in range(DAYS):
            at = BEGAN + timedelta(days=day, hours=20)
            self._publish(at)
            self._join_and_change(at)
            with self.project.app(at) as app:
                fetch(app)
                for frequency in app.settings.newsletters[0].frequencies:
                    self._issue(app, frequency.value)
                self._finish_some(app)
                self._nobody_twice(app)
                self._covered(app)
        with self.project.app(BEGAN + timedelta(days=DAYS)) as app:
            self._finish_all(app)
            self._nobody_twice(app)
            self._nothing_lost(app)
            self._covered(app)

    def _covered(self, app: App) -> None:
        with app.store.reading() as connection:
            found = {issue.name: audit(connection, issue) for issue in list_issues(connection)}
        assert not any(found.values()), found

    def _publish(self, at: datetime) -> None:
        for _ in range(self.draw.randint(0, 3)):
            key = f"n{len(self.offered)}"
            tags = tuple(self.draw.sample(TOPICS, self.draw.randint(1, 2)))
            when = at + timedelta(days=self.draw.choice((0, 0, 0, -20, 3)))
            self.offered.append(article(key, tags=tags, at=when, featured=self.draw.random() < 0.2))
        self.project.offer(*self.draw.sample(self.offered, len(self.offered)))

    def _join_and_change(self, at: datetime) -> None:
        with self.project.app(at) as app, app.store.writing() as connection:
            newsletter = app.settings.newsletters[0]
            if self.draw.random() < 0.4 or not self.people:
                self.people.append(f"u{len(self.people)}@x.example")
                email, topics = self.people[-1], " ".join(self.draw.sample(TOPICS, self.draw.randint(1, 3)))
            elif self.draw.random() < 0.4:
                email, topics = self.draw.choice(self.people), None
            else:
                return
            frequency = self.draw.choice(newsletter.frequencies).value
            subscribe(connection, newsletter, email, frequency=frequency, confirmed=True, now=at, topics=topics)

    def _issue(self, app: App, frequency: str) -> None:
        newsletter = app.settings.newsletters[0]
        chosen = next(one for one in newsletter.frequencies if one.value == frequency)
        slot = coming_slot(app, newsletter, chosen)
        if slot.at > app.now or self.draw.random() < 0.1:
            return  # not due; or nobody ran it that day
        try:
            issue = draft(app, newsletter, chosen, slot, "test")
        except Refused:
            return  # nothing new
        if audience_of(app, issue) == 0:
            return
        issue = approve(app, issue, "test")
        with app.store.writing() as connection:
            plan(connection, issue, frozen_of(connection, issue), now=app.now)
        self.open.append(issue.id)

    def _finish_some(self, app: App) -> None:
        for issue_id in list(self.open):
            self._work(app, issue_id, self.draw.choice((0, 3, 100)))

    def _finish_all(self, app: App) -> None:
        for issue_id in self.open:
            self._work(app, issue_id, 10_000)
            with app.store.writing() as connection:
                issue = issue_by_id(connection, issue_id)
                ledger = self._ledger(issue)
                upkeep.expire(connection, ledger, now=NOW, reason="the end")
                upkeep.resolve(connection, ledger, unknown(connection, issue_id), DeliveryState.REJECTED, now=NOW, reason="end")
                conclude(connection, issue_by_id(connection, issue_id), now=app.now)

    def _work(self, app: App, issue_id: int, turns: int) -> None:
        """Some claims of an open issue, with drawn outcomes; perhaps it is cancelled, or what is unknown resolved."""
        with app.store.writing() as connection:
            issue = issue_by_id(connection, issue_id)
            ledger = self._ledger(issue)
            upkeep.replan(connection, ledger, now=NOW, all_of_them=True)
            for _ in range(turns if issue.state is IssueState.SENDING else 0):
                claimed = ledger.claim(connection, self.draw.randint(1, 3), now=NOW, lease=timedelta(days=1))
                if claimed is None:
                    break
                batch, whose = claimed[0].batch, claimed[0].recipients
                marked = mark_batch(ledger, connection, batch, whose, now=NOW)
                weights = (12, 1, 2, 1)
                outcomes = tuple(self.draw.choices(tuple(Outcome), weights, k=len(marked)))
                settle_batch(ledger, connection, batch, marked, Answer(outcomes, "said"), now=NOW, retry_at={})
                ledger.finish(connection, batch, now=NOW)
            if self.draw.random() < 0.1:
                to = self.draw.choice((DeliveryState.ACCEPTED, DeliveryState.REJECTED))
                upkeep.resolve(connection, ledger, unknown(connection, issue_id), to, now=NOW, reason="drawn")
            issue = conclude(connection, issue, now=app.now)
            account(connection, issue)
        if issue.state is IssueState.SENDING and self.draw.random() < 0.05:
            cancel(app, issue, "test", "drawn")

    def _ledger(self, issue: Issue) -> Ledger:
        return Ledger(issue.id, issue.newsletter, "test", "me")

    def _nobody_twice(self, app: App) -> None:
        with app.store.reading() as connection:
            for reader, articles in counted(connection).items():
                assert max(articles.values()) == 1, f"reader {reader}: {articles.most_common(2)}"

    def _nothing_lost(self, app: App) -> None:
        """What arrived after somebody joined and matches a topic they have is sent, owed, ahead, or expired."""
        with app.store.reading() as connection:
            sent = counted(connection)
            expired = expired_by(connection)
            row, kept = tables.subscription.c, tables.article.c
            articles = connection.execute(select(kept.id, kept.arrival, kept.tags, kept.first_seen_at)).all()
            for one in connection.execute(select(row.subscriber_id, row.topics, row.coverage, row.owed, row.created_at)):
                owed = {int(pair.split("@")[0]) for pair in one.owed.split()}
                for found in articles:
                    if found.first_seen_at < one.created_at or not set(one.topics.split()) & set(found.tags):
                        continue
                    ahead = found.arrival is None or found.arrival > one.coverage
                    there = (
                        found.id in sent[one.subscriber_id] or found.id in owed or ahead or found.id in expired[one.subscriber_id]
                    )
                    assert there, (
                        f"reader {one.subscriber_id} lost article {found.id} (arrival {found.arrival}, coverage {one.coverage})"
                    )


def expired_by(connection: Connection) -> defaultdict[int, set[int]]:
    """What each reader was owed for longer than `carry_over` allows, when an issue was planned for them."""
    row, group = tables.delivery.c, tables.audience_group.c
    joined = (group.issue_id == row.issue_id) & (group.number == row.group_number)
    found: defaultdict[int, set[int]] = defaultdict(set)
    for reader, owed in connection.execute(select(row.subscriber_id, group.owed).join(tables.audience_group, joined)):
        found[reader] |= {article for article, age in parse_owed(owed).items() if age > CARRY_OVER}
    return found


def counted(connection: Connection) -> defaultdict[int, Counter[int]]:
    """How often each reader has each article in a delivery that counts as sent."""
    row, held = tables.delivery.c, tables.rendition_article.c
    query = (
        select(row.subscriber_id, held.article_id)
        .join(tables.rendition_article, (held.issue_id == row.issue_id) & (held.rendition == row.rendition))
        .where(row.state.in_([state.value for state in COUNTS_AS_SENT]))
    )
    found: defaultdict[int, Counter[int]] = defaultdict(Counter)
    for reader, one in connection.execute(query):
        found[reader][one] += 1
    return found


@pytest.mark.proof
def test_over_many_weeks_nobody_gets_an_article_twice_and_none_is_lost(tmp_path: Path) -> None:
    only = os.environ.get("DIGEST_WEEKS_SEED")
    first = int(only) if only else random.SystemRandom().randrange(1 << 32)
    print(f"seeds from {first}")
    for seed in range(first, first + int(os.environ.get("DIGEST_WEEKS", "1"))):
        folder = tmp_path / str(seed)
        folder.mkdir()
        with a_project(folder) as project:
            project.configure('schedule = "0 9 * * 1"', 'schedule = { daily = "0 7 * * *", weekly = "0 9 * * 1" }')
            project.configure("max_articles = 20", f"max_articles = 4\ncarry_over = {CARRY_OVER}")
            try:
                Weeks(project, random.Random(seed)).live()
            except AssertionError as error:
                raise AssertionError(f"DIGEST_WEEKS_SEED={seed}: {error}") from error

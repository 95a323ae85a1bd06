"""Weeks at random on the bare ledger: nobody is sent an article twice, none is lost, and every account balances.

Freeze, plan, claim, mark, settle and the rest are called directly; what becomes of a delivery is drawn. Beside what
`tests/journeys/test_many_weeks.py` does, issues here are held and go out late, some belong to no slot, are paused and cancelled in flight, senders
die between mark and answer and answer late, people leave and return, and addresses are suppressed. The seed is printed;
`DIGEST_TWICE_SEED=SEED` repeats it, `DIGEST_TWICE=MANY` draws more.
"""

from __future__ import annotations

import os
import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from digest.delivery import upkeep
from digest.delivery.account import account, unknown
from digest.delivery.ledger import Ledger
from digest.delivery.plan import count_audience
from digest.delivery.providers.answer import Answer, Outcome
from digest.delivery.refusals import LeaseLost, NotSendable
from digest.delivery.settling import conclude
from digest.delivery.transitions import DeliveryState
from digest.issues import pool
from digest.issues.issue import Issue, frozen_of, issue_by_id
from digest.issues.lifecycle import IssueState
from digest.issues.outside import SPECIAL
from digest.issues.owed import parse_owed
from digest.issues.selection import Reader, Reason
from digest.issues.selection import select as choose
from digest.store import tables
from tests.issues.newsroom import DAILY, LEASE, WEEKLY, Newsroom, a_newsroom, newsletter
from tests.marking import mark_batch, settle_batch

pytestmark = pytest.mark.usefixtures("database")

DAYS = 30
TOPICS = ("python", "data", "career")
_S = IssueState


@dataclass(slots=True)
class Late:
    """A request whose sender was taken for dead: its answer may yet come."""

    ledger: Ledger
    batch: int
    whose: list[int]


@dataclass(slots=True)
class Weeks:
    """One drawn history."""

    newsroom: Newsroom
    draw: random.Random
    drafts: list[Issue] = field(default_factory=list)
    open: list[int] = field(default_factory=list)
    late: list[Late] = field(default_factory=list)
    keys: int = 0
    retold: list[tuple[int, datetime]] = field(default_factory=list)
    senders: int = 0
    joined_at: dict[str, int] = field(default_factory=dict)
    followed: defaultdict[str, list[frozenset[str]]] = field(default_factory=lambda: defaultdict(list))
    reached: dict[str, int] = field(default_factory=dict)

    def chance(self, probability: float) -> bool:
        """Whether something happens."""
        return self.draw.random() < probability

    def live(self) -> None:
        """Day after day, and then everything that is open comes to its end."""
        for day in range(DAYS):
            self.newsroom.now += timedelta(days=1)
            self.publish()
            self.change_people()
            self.begin(DAILY)
            if day % 7 == 3:
                self.begin(WEEKLY)
            if self.chance(0.2):
                self.begin(SPECIAL)
            self.release_drafts()
            for issue in list(self.open):
                self.work(issue, self.draw.choice((0, 1, 3, 50)))
            self.look()
        for issue in list(self.open):
            self.end(issue)
        self.look()
        self.nothing_is_lost()

    def publish(self) -> None:
        """Articles arrive: new, back-dated by weeks, or to be published in some days."""
        for _ in range(self.draw.randint(0, 3)):
            self.keys += 1
            tags = tuple(self.draw.sample(TOPICS, self.draw.randint(1, 2)))
            at = self.newsroom.now + timedelta(days=self.draw.choice((0, 0, 0, -30, 2, 5)))
            title, author = f"The story of k{self.keys}", self.draw.choice((None, "Kim", "Lee"))
            self.newsroom.arrive(f"k{self.keys}", tags=tags, at=at, featured=self.chance(0.2), title=title, author=author)
            if self.chance(0.3):
                self.retold.append((self.keys, at))
        for key, at in [one for one in self.retold if self.chance(0.3)]:  # another source tells it, sooner or later
            self.retold.remove((key, at))
            tags, later = tuple(self.draw.sample(TOPICS, 1)), at + timedelta(hours=self.draw.choice((-9, 5, 90)))
            self.newsroom.arrive(f"k{key}-too", tags=tags, at=later, title=f"The story of k{key}", source="wire")
        self.newsroom.arrive()

    def change_people(self) -> None:
        """Somebody joins, changes topics or frequency, leaves, comes back, or must not be mailed any more."""
        room, names = self.newsroom, list(self.newsroom.people)
        if self.chance(0.5) or len(names) < 2:
            self.choose(f"u{len(names)}")
            return
        name = self.draw.choice(names)
        if self.chance(0.15):
            room.leave(name)
        elif self.chance(0.1):
            room.suppress(name)
        elif self.chance(0.6):
            self.choose(name)

    def choose(self, name: str) -> None:
        """Somebody says what they want; whoever had left is back."""
        topics = frozenset(self.draw.sample(TOPICS, self.draw.randint(1, 3)))
        self.newsroom.join(name, " ".join(sorted(topics)), self.draw.choice((DAILY, WEEKLY)))
        self.joined_at.setdefault(name, self.newsroom.coverage(name))
        self.followed[name].append(topics)

    def begin(self, frequency: Any) -> None:
        """Freeze an issue; it goes out at once, or is held for some days."""
        issue = self.newsroom.freeze(frequency)
        if issue.state is _S.DRAFT:
            self.drafts.append(issue)

    def release_drafts(self) -> None:
        """Those that were held go out in whatever order, or are skipped."""
        self.draw.shuffle(self.drafts)
        for issue in list(self.drafts):
            if self.chance(0.3):
                continue
            self.drafts.remove(issue)
            with self.newsroom.store.reading() as connection:
                nobody = count_audience(connection, issue) == 0
            if nobody or self.chance(0.1):
                self.newsroom.step(issue, _S.SKIPPED)
                continue
            self.newsroom.plan(self.newsroom.approve(issue))
            self.open.append(issue.id)

    def work(self, issue_id: int, turns: int) -> None:
        """One sender works on an open issue for a while; it may die on the way, and others meddle."""
        room = self.newsroom
        self.senders += 1
        with room.store.writing() as connection:
            issue = issue_by_id(connection, issue_id)
            ledger = room.ledger(issue, f"sender-{self.senders}")
            if issue.state is _S.SENDING:
                upkeep.sweep(connection, ledger, now=room.now, others_are_dead=True)
                upkeep.replan(connection, ledger, now=room.now, all_of_them=True)
                if self.chance(0.05):
                    upkeep.expire(connection, ledger, now=room.now, reason="drawn")
        for _ in range(turns if issue.state is _S.SENDING else 0):
            if not self.turn(ledger):
                break
        self.meddle(issue_by(room, issue_id))
        room.conclude(issue)
        if issue_by(room, issue_id).state in {_S.SENT, _S.CANCELLED} and not self.is_open(issue_id):
            self.open.remove(issue_id)

    def turn(self, ledger: Ledger) -> bool:
        """Claim, mark, and settle, each in a transaction of its own; False when the sender stops."""
        room = self.newsroom
        with room.store.writing() as connection:
            found = ledger.claim(connection, self.draw.randint(1, 4), now=room.now, lease=LEASE)
        if found is None or self.chance(0.03):
            return False  # nothing there; or it died with a claim
        batch, whose = found[0].batch, found[0].recipients
        try:
            with room.store.writing() as connection:
                marked = mark_batch(ledger, connection, batch, whose, now=room.now)
        except (LeaseLost, NotSendable):
            return False
        if self.chance(0.06):
            self.late.append(Late(ledger, batch, marked))
            return False  # it died, or is taken for dead, between the mark and the answer
        self.settle(Late(ledger, batch, marked))
        return True

    def settle(self, request: Late) -> None:
        """What was drawn comes as the answer."""
        outcomes = tuple(self.draw.choices(tuple(Outcome), (12, 2, 2, 1), k=len(request.whose)))
        with self.newsroom.store.writing() as connection:
            ledger, now = request.ledger, self.newsroom.now
            settle_batch(ledger, connection, request.batch, request.whose, Answer(outcomes, "said"), now=now, retry_at={})
            ledger.finish(connection, request.batch, now=now)

    def meddle(self, issue: Issue) -> None:
        """A late answer comes; or a person pauses, resumes, cancels or resolves."""
        room = self.newsroom
        if self.late and self.chance(0.2):
            self.settle(self.late.pop())
        if issue.state is _S.SENDING and self.chance(0.1):
            room.step(issue, _S.PAUSED)
        elif issue.state is _S.PAUSED and self.chance(0.5):
            room.step(issue, _S.SENDING)
        elif issue.state in {_S.SENDING, _S.PAUSED} and self.chance(0.06):
            self.cancel(issue)
        elif self.chance(0.15):
            self.resolve(issue, self.draw.choice((DeliveryState.ACCEPTED, DeliveryState.REJECTED, DeliveryState.PLANNED)))

    def cancel(self, issue: Issue) -> None:
        """As the command does."""
        self.newsroom.step(issue, _S.CANCELLED)
        with self.newsroom.store.writing() as connection:
            upkeep.cancel(connection, self.newsroom.ledger(issue), now=self.newsroom.now, reason="drawn")
            conclude(connection, issue, now=self.newsroom.now)

    def resolve(self, issue: Issue, to: DeliveryState) -> None:
        """As the command does."""
        with self.newsroom.store.writing() as connection:
            whose = unknown(connection, issue.id)
            upkeep.resolve(connection, self.newsroom.ledger(issue), whose, to, now=self.newsroom.now, reason="drawn")
            conclude(connection, issue, now=self.newsroom.now)

    def is_open(self, issue_id: int) -> bool:
        """Whether something may still become of one of its deliveries."""
        with self.newsroom.store.reading() as connection:
            found = account(connection, issue_by_id(connection, issue_id))
        return any(found[state] for state in ("planned", "claimed", "sending", "deferred", "unknown"))

    def end(self, issue_id: int) -> None:
        """Whatever an issue still waits for comes to its end."""
        room = self.newsroom
        with room.store.writing() as connection:
            ledger = room.ledger(issue_by_id(connection, issue_id), "the end")
            upkeep.sweep(connection, ledger, now=room.now, others_are_dead=True)
            upkeep.replan(connection, ledger, now=room.now, all_of_them=True)
            upkeep.expire(connection, ledger, now=room.now, reason="the end")
        self.resolve(issue_by(room, issue_id), self.draw.choice((DeliveryState.ACCEPTED, DeliveryState.REJECTED)))
        with room.store.reading() as connection:
            ended = issue_by_id(connection, issue_id)
            assert ended.settled_at is not None, f"{ended.name}, {ended.state}, never settled: {account(connection, ended)}"

    def look(self) -> None:
        """What must hold at every moment."""
        for reader, articles in self.newsroom.counted().items():
            assert max(articles.values()) == 1, f"reader {reader} is sent twice: {articles.most_common(2)}"
        with self.newsroom.store.reading() as connection:
            for issue_id in connection.execute(select(tables.issue.c.id).where(tables.issue.c.planned_at.is_not(None))).scalars():
                account(connection, issue_by_id(connection, issue_id))
        for name in self.newsroom.people:
            now = self.newsroom.coverage(name)
            assert now >= self.reached.get(name, 0), f"{name} went back from {self.reached[name]} to {now}"
            self.reached[name] = now

    def nothing_is_lost(self) -> None:
        """What arrived after somebody joined is sent, owed, ahead of them, or an issue of theirs has a reason.

        Who must not be mailed loses everything, knowingly.
        """
        sent, reasons = self.newsroom.counted(), self.reasons()
        with self.newsroom.store.reading() as connection:
            row = tables.article.c
            articles = connection.execute(select(row.id, row.arrival, row.title, row.published_at, row.tags)).all()
            people = {row.subscriber_id: row for row in connection.execute(select(tables.subscription))}
            held: set[Any] = set(connection.execute(pool.suppressed("weekly")).scalars())
        for name, reader in self.newsroom.people.items():
            if reader in held:
                continue
            person = people[reader]
            owed = parse_owed(person.owed)

            for article in articles:
                ahead = article.arrival is None or article.arrival > person.coverage
                before = article.arrival is not None and article.arrival <= self.joined_at[name]
                told = [article.id, *(one.id for one in articles if same_story(one, article))]
                there = ahead or before or any(one in owed or sent[reader][one] for one in told)
                why = reasons[reader, article.id] & {Reason.NO_TOPIC, Reason.EXPIRED} or any(
                    Reason.EXPIRED in reasons[reader, one]
                    or (Reason.NO_TOPIC in reasons[reader, one] and self.left(name, article))
                    for one in told
                )
                assert there or why or self.beyond(person, article), (
                    f"{name} lost article {article.id} (arrival {article.arrival}): {sorted(reasons[reader, article.id])}"
                )

    def left(self, name: str, article: Any) -> bool:
        """Whether they once followed none of its topics: where they do not get a story elsewhere for want of one, neither here."""
        return any(topics.isdisjoint(article.tags) for topics in self.followed[name])

    def beyond(self, person: Any, article: Any) -> bool:
        """Whether an issue that considered them held nothing so far back: they had been away for more than `carry_over`."""
        group, row = tables.audience_group.c, tables.delivery.c
        joined = (group.issue_id == row.issue_id) & (group.number == row.group_number)
        query = select(row.issue_id, group.coverage).join(tables.audience_group, joined)
        with self.newsroom.store.reading() as connection:
            for issue_id, coverage in connection.execute(query.where(row.subscriber_id == person.subscriber_id)).all():
                issue = issue_by_id(connection, issue_id)
                frozen = frozen_of(connection, issue)
                if not issue.outside and frozen.bounded and coverage < (article.arrival or 0) <= frozen.floor:
                    return True
        return False

    def reasons(self) -> defaultdict[tuple[int, int], set[Reason]]:
        """Every reason that any plan had for any reader and article, decided again from what was frozen."""
        found: defaultdict[tuple[int, int], set[Reason]] = defaultdict(set)
        group, row = tables.audience_group.c, tables.delivery.c
        joined = (group.issue_id == row.issue_id) & (group.number == row.group_number)
        query = select(row.subscriber_id, row.issue_id, group.topics, group.coverage, group.owed).join(
            tables.audience_group, joined
        )
        with self.newsroom.store.reading() as connection:
            frozen, issues = {}, dict[int, Issue]()
            for one in connection.execute(query).all():
                if one.issue_id not in frozen:
                    issue = issues[one.issue_id] = issue_by_id(connection, one.issue_id)
                    frozen[one.issue_id] = (frozen_of(connection, issue), issue.cutoff)
                content, cutoff = frozen[one.issue_id]
                if issues[one.issue_id].outside:
                    continue  # it takes nothing from anybody that it does not bring them
                topics = frozenset(TOPICS if one.topics == "*" else one.topics.split())
                reader = Reader(topics, one.coverage, parse_owed(one.owed))
                for decision in choose(content.candidates, content.rules, reader, cutoff=cutoff).decisions:
                    found[one.subscriber_id, decision.article].add(decision.reason)
        return found


def same_story(one: Any, other: Any) -> bool:
    """Whether it is told by another source, at about the same time."""
    apart = abs(one.published_at - other.published_at)
    return bool(one.id != other.id and one.title == other.title and apart <= timedelta(days=3))


def issue_by(room: Newsroom, issue_id: int) -> Issue:
    """An issue as it stands."""
    with room.store.reading() as connection:
        return issue_by_id(connection, issue_id)


def test_whatever_happens_over_weeks_no_article_comes_twice_and_none_is_lost(tmp_path: Path) -> None:
    only = os.environ.get("DIGEST_TWICE_SEED")
    first = int(only) if only else random.SystemRandom().randrange(1 << 32)
    many = 1 if only else int(os.environ.get("DIGEST_TWICE", "2"))
    print(f"seeds {first} to {first + many - 1}")
    for seed in range(first, first + many):
        folder = tmp_path / str(seed)
        folder.mkdir()
        draw = random.Random(seed)
        rules: dict[str, Any] = {
            "max_articles": draw.randint(1, 5),
            "max_per_topic": draw.randint(1, 4),
            "carry_over": draw.randint(1, 4),
            "max_per_author": draw.choice((None, 1, 2)),
            "topics_take_turns": draw.random() < 0.5,
            "order": draw.choice(("featured", "newest", "oldest", "popular")),
        }
        with a_newsroom(folder, newsletter(**rules)) as newsroom:
            try:
                Weeks(newsroom, draw).live()
            except Exception as error:
                raise AssertionError(f"DIGEST_TWICE_SEED={seed}: {error}") from error


def test_what_another_newsletter_is_still_sending_and_then_gives_back_is_lost_to_neither(tmp_path: Path) -> None:
    with a_newsroom(tmp_path, newsletter(), newsletter("extra")) as newsroom:
        for number in (0, 1):
            newsroom.join("ann", number=number)
            newsroom.join("bob", number=number)
        newsroom.arrive("a")
        weekly, extra = newsroom.planned(), newsroom.planned(number=1)
        assert newsroom.has(extra, "ann") == newsroom.has(extra, "bob") == []
        newsroom.conclude(extra)
        newsroom.deliver(weekly, {"ann": Outcome.REJECTED})
        with newsroom.store.writing() as connection:  # she leaves the one that owes it to her
            where = (tables.subscription.c.newsletter == "weekly", tables.subscription.c.subscriber_id == newsroom.people["ann"])
            connection.execute(update(tables.subscription).where(*where).values(state="unsubscribed"))
        newsroom.arrive("b")
        again = newsroom.planned(number=1)
        assert newsroom.has(again, "ann") == ["a", "b"]
        assert newsroom.has(again, "bob") == ["b"]

"""The real ledger on a real SQLite file, for the schedules of the simulation."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

from sqlalchemy import Connection, select, update

from digest.app import App
from digest.app.fetching import fetch
from digest.app.issuing import approve, coming_slot, draft
from digest.audience.people import subscribe
from digest.delivery import shelf as shelf_module
from digest.delivery import upkeep
from digest.delivery.engines.books import Books, SqlBooks
from digest.delivery.envelopes import EnvelopeMaker
from digest.delivery.ledger import Ledger
from digest.delivery.plan import plan
from digest.delivery.settling import conclude
from digest.delivery.shelf import Shelf
from digest.delivery.withdrawal import withdraw
from digest.issues.issue import Issue, blocks_of, find_issue, frozen_of
from digest.issues.owed import parse_owed
from digest.issues.withdrawn import withdrawn_from
from digest.settings.project import init_project
from digest.settings.reading import read_settings
from digest.store import tables
from digest.store.database import Store
from tests.proofs.world import BEGINNING, Died, World

AUDIENCE = 10
_row = tables.delivery.c


class MortalStore(Store):
    """A store whose process may die before or after a commit. One for all seeds: what it has compiled it keeps."""

    world: World
    deadly = 0.0

    def begin_anew(self, template: Path) -> None:
        """Hold what the template holds."""
        assert self.path is not None
        self.close()
        for leftover in self.path.parent.glob(f"{self.path.name}*"):
            leftover.unlink()
        shutil.copyfile(template, self.path)

    @contextmanager
    def writing(self, *, together: bool = False) -> Iterator[Connection]:
        with super().writing(together=together) as connection:
            yield connection
            if self.world.chance(self.deadly):
                raise Died  # before the commit: nothing of it holds
        if self.world.chance(self.deadly):
            raise Died


class SqlArena:
    """A project with one planned issue, made once and copied for every seed into the one store."""

    def __init__(self, folder: Path) -> None:
        """Freeze, approve and plan the sample's first issue for a small audience."""
        init_project(folder, BEGINNING - timedelta(days=3))
        settings = read_settings(folder / "config" / "digest.toml", {})
        store = Store(settings.database_url, synchronous="OFF")
        store.prepare()
        app = App(settings, store, BEGINNING)
        fetch(app)
        newsletter = settings.newsletters[0]
        with store.writing() as connection:
            for number in range(AUDIENCE):
                topics = ("", "databases", "databases python")[number % 3]
                subscribe(connection, newsletter, f"u{number}@example.com", topics=topics, confirmed=True, now=BEGINNING)
        frequency = newsletter.frequencies[0]
        issue = approve(app, draft(app, newsletter, frequency, coming_slot(app, newsletter, frequency), "test"), "test")
        with store.writing() as connection:
            plan(connection, issue, frozen_of(connection, issue), now=BEGINNING)
            self.issue = find_issue(connection, "weekly/1")
            article = tables.article.c
            self.addresses = {one.id: one.url for one in connection.execute(select(article.id, article.url))}
            self.people = {
                one.subscriber_id: one.rendition for one in connection.execute(select(_row.subscriber_id, _row.rendition))
            }
            held = tables.rendition_article.c
            rows = connection.execute(select(held.rendition, held.article_id)).all()
        self.renditions = {one: frozenset(row.article_id for row in rows if row.rendition == one) for one in self.people.values()}
        store.close()
        self._template = folder / "digest.db"
        self._store = MortalStore(f"sqlite:///{folder / 'simulated.db'}", synchronous="OFF")
        self._kept: dict[str, Any] = {}

    @property
    def deadly(self) -> float:
        """The chance that a process dies at either side of a commit."""
        return self._store.deadly

    @deadly.setter
    def deadly(self, chance: float) -> None:
        self._store.deadly = chance

    def begin(self, world: World) -> None:
        """As `Arena.begin`."""
        self._world = self._store.world = world
        self._store.begin_anew(self._template)

    def close(self) -> None:
        """Let the store go."""
        self._store.close()

    def articles(self) -> Collection[int]:
        """As `Arena.articles`."""
        return self.addresses.keys()

    def states(self) -> Mapping[int, str]:
        """As `Arena.states`."""
        with self._store.reading() as connection:
            return _states(connection)

    def unsubscribe(self, one: int) -> None:
        """As `Arena.unsubscribe`."""
        leaves = tables.subscription.c.subscriber_id == one
        with self._store.writing() as connection:
            connection.execute(update(tables.subscription).where(leaves).values(state="unsubscribed"))

    def withdraw(self, article: int) -> set[int]:
        """As `Arena.withdraw`."""
        with self._store.writing() as connection:
            marked = {one for one, state in _states(connection).items() if state == "sending"}
            withdraw(connection, str(article), actor="somebody", now=self._world.clock())
        return marked

    def start(self, owner: str, *, swept_at: datetime, others_are_dead: bool, replanned_at: datetime | None) -> Books:
        """As `Arena.start`."""
        ledger = Ledger(self.issue.id, self.issue.newsletter, "simulated", owner)
        with self._store.writing() as connection:
            upkeep.sweep(connection, ledger, now=swept_at, others_are_dead=others_are_dead)
            upkeep.replan(connection, ledger, now=replanned_at or swept_at, all_of_them=replanned_at is None)
            shelf = self._shelf(connection)
        return SqlBooks(self._store, ledger, shelf)

    def envelopes(self) -> EnvelopeMaker:
        """As `Arena.envelopes`."""
        return EnvelopeMaker(b"k" * 32, "https://news.example", self.issue)

    def articles_in(self, rendition: Any) -> Collection[int]:
        """As `Arena.articles_in`."""
        text = "".join(rendition.text.literals)
        return {article for article, address in self.addresses.items() if address in text}

    def conclude(self) -> tuple[Mapping[int, str], Counter[str]]:
        """As `Arena.conclude`."""
        with self._store.writing() as connection:
            conclude(connection, find_issue(connection, "weekly/1"), now=self._world.clock())
            issue, withdrawn = find_issue(connection, "weekly/1"), withdrawn_from(connection, self.issue.id)
            assert (issue.sub_revision, issue.approved_hash) == (len(withdrawn), issue.content_hash)
            texts = connection.execute(select(tables.subscription.c.owed)).scalars()
            owed = {article for text in texts for article in parse_owed(text)}
            assert not owed & self._world.withdrawn.keys(), f"owed although withdrawn: {owed & self._world.withdrawn.keys()}"
            states = _states(connection)
            assert len(states) == AUDIENCE, f"{len(states)} deliveries for an audience of {AUDIENCE}"
            return states, _fold(connection)

    def _shelf(self, connection: Connection) -> Shelf:
        """A shelf; what an issue holds never changes after its freeze, and every seed has the same issue."""
        with mock.patch.multiple(shelf_module, frozen_of=self._frozen, blocks_of=self._blocks):
            return Shelf(connection, self.issue)

    def _frozen(self, connection: Connection, issue: Issue) -> Any:
        if "frozen" not in self._kept:
            self._kept["frozen"] = frozen_of(connection, issue)
        return self._kept["frozen"]

    def _blocks(self, connection: Connection, issue: Issue, language: str) -> Any:
        if language not in self._kept:
            self._kept[language] = blocks_of(connection, issue, language)
        return self._kept[language]


def _states(connection: Connection) -> dict[int, str]:
    found = connection.execute(select(_row.subscriber_id, _row.state).order_by(_row.subscriber_id))
    return {one[0]: one[1] for one in found}


def _fold(connection: Connection) -> Counter[str]:
    """The states that the history tells of: everyone planned, then every line moves as many as it counts."""
    counts: Counter[str] = Counter({"planned": AUDIENCE})
    line = tables.history.c
    for start, end, count in connection.execute(select(line.from_state, line.to_state, line.count).order_by(line.id)):
        counts[start] -= count
        counts[end] += count
    return +counts

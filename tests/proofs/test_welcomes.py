"""Readers come to two newsletters while issues go out, and some of their welcomes are refused or lost: nobody gets an article twice, and
nobody misses one that came after them."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email import policy
from email.parser import BytesParser
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import select, update

from digest.app import confirming, signing_up
from digest.app.carrying import send_letters
from digest.app.signing_up import SignUp
from digest.app.wiring import App
from digest.audience.consent import Evidence, Source
from digest.audience.tokens import Purpose, make_expiring_token
from digest.delivery.welcoming import Welcome
from digest.store import tables
from digest.testing.smtp_sink import CLOSE, SILENCE, Now, React
from tests.databases import eventually
from tests.journeys.project import BEGAN, MONDAY, WEEK, Project, a_project, article, keys_in
from tests.journeys.serving import served

pytestmark = pytest.mark.proof
TOPICS = ("python", "databases", "security")
DAYS = 9
PAGE = Evidence(Source.PAGE)


@dataclass(slots=True)
class World:
    """A project, what it has offered so far, and who came to what when."""

    project: Project
    draw: random.Random
    fates: list[str]
    offered: list[dict[str, object]] = field(default_factory=list)
    since: dict[str, dict[str, int]] = field(default_factory=dict)  # who: topic: how many had been fetched by then
    joined: set[tuple[str, str]] = field(default_factory=set)
    fetched: int = 0

    def publish(self, at: datetime) -> None:
        """Some articles, each with one or two topics."""
        for _ in range(self.draw.randrange(4)):
            tags = tuple(self.draw.sample(TOPICS, self.draw.randrange(1, 3)))
            self.offered.append(article(f"a{len(self.offered)}", tags=tags, at=at))
        self.project.offer(*self.offered)

    def run(self, at: datetime) -> None:
        """What cron does; everything goes well."""
        self.fates[:] = ["well"]
        self.project.run(at)
        self.fetched = len(self.offered)

    def come(self, at: datetime, who: str) -> None:
        """Somebody signs up for a newsletter that they do not have, and confirms; their welcome has a fate."""
        left = [slug for slug in ("weekly", "other") if (who, slug) not in self.joined]
        if not left:
            return
        slug = self.draw.choice(left)
        self.joined.add((who, slug))
        with self.project.app(at) as app:
            newsletter = app.newsletter(slug)
            topics = self.draw.sample(TOPICS, self.draw.randrange(1, 3))
            frequency = self.draw.choice([one.value for one in newsletter.frequencies])
            confirming.confirm(app, self._ask(app, SignUp(who, newsletter, topics, frequency, "", "")), PAGE)
            self.fates[:] = [self.draw.choice(("well", "well", "refuse", "lose"))]
            send_letters(app)
        theirs = self.since.setdefault(who, {})
        for topic in topics:
            theirs[topic] = min(self.fetched, theirs.get(topic, self.fetched))

    def _ask(self, app: App, wanted: SignUp) -> str:
        signing_up.ask(app, wanted, PAGE)
        self.fates[:] = ["well"]
        send_letters(app)
        row = tables.asking.c
        with app.store.reading() as connection:
            number = connection.execute(select(row.id).order_by(row.id.desc()).limit(1)).scalar_one()
        return make_expiring_token(app.key, Purpose.CONFIRM, number, app.now + timedelta(days=1))

    def got(self, who: str) -> Counter[str]:
        """How often each article reached somebody, or may have."""
        parser = BytesParser(policy=policy.default)
        arrived = [one.message for one in self.project.sink.arrived if one.rcpt_to == who]
        return Counter(key for message in arrived for key in keys_in(parser.parsebytes(message)))

    def owed_again(self) -> dict[str, set[str]]:
        """What refused welcomes held, by whom they were for."""
        row, kept = tables.letter.c, tables.article.c
        found: dict[str, set[str]] = {}
        with self.project.app() as app, app.store.reading() as connection:
            keys = {one.id: one.url.rpartition("/")[2] for one in connection.execute(select(kept.id, kept.url))}
            refused = select(row.email, row.content).where(row.kind == "welcome", row.state == "rejected")
            for email, content in connection.execute(refused):
                found.setdefault(email, set()).update(keys[one] for one in Welcome.from_json(content).arrangement.articles)
        return found


@contextmanager
def a_world(folder: Path, seed: int) -> Iterator[World]:
    fates = ["well"]

    def script(now: Now) -> React | None:
        if now.moment == "RCPT" and fates == ["refuse"]:
            return React("550 5.1.1 no such user")
        return CLOSE if now.moment == "dot" and fates == ["lose"] else None

    with a_project(folder, script) as project:
        file = folder / "config" / "digest.toml"
        text = file.read_text("utf-8").replace('welcome = "none"', 'welcome = "latest"')
        start, end = text.index("[[newsletters]]"), text.index("[delivery]")
        table = text[start:end].replace('schedule = "0 9 * * 1"', 'schedule = { daily = "0 9 * * *", weekly = "0 9 * * 3" }')
        other = table.replace('slug = "weekly"', 'slug = "other"').replace('"0 9 * * *"', '"0 15 * * *"')
        file.write_text(text[:start] + table + other + text[end:], "utf-8")
        yield World(project, random.Random(seed), fates)


@pytest.mark.parametrize("number", range(8))
def test_nobody_gets_an_article_twice_and_nobody_misses_one_that_came_after_them(tmp_path: Path, number: int) -> None:
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    with a_world(tmp_path, seed) as world:
        people = [f"r{one}@x.example" for one in range(5)]
        for day in range(DAYS):
            morning = MONDAY + timedelta(days=day)
            for hour in (2, 8):
                world.publish(morning)
                world.run(morning + timedelta(hours=hour))
                if world.draw.random() < 0.6:
                    world.come(morning + timedelta(hours=hour + 3), world.draw.choice(people))
        for day in range(DAYS, DAYS + 8):  # a weekly reader's turn comes, too
            world.run(MONDAY + timedelta(days=day, hours=8))
        owed = world.owed_again()
        assert world.since
        for who, topics in world.since.items():
            got = world.got(who)
            assert not [key for key, times in got.items() if times > 1], (who, got)
            after = {str(one["id"]) for topic, start in topics.items() for one in world.offered[start:] if topic in one["tags"]}  # type: ignore[operator]  # a list of them
            assert (after | owed.get(who, set())) - got.keys() == set(), (who, topics)


def test_of_a_process_that_is_killed_with_a_welcome_on_the_wire_no_second_copy_comes(tmp_path: Path) -> None:
    silent = Event()

    def script(now: Now) -> React | None:
        return SILENCE if now.moment == "dot" and silent.is_set() else None

    with a_project(tmp_path, script) as project:
        project.configure('welcome = "none"', 'welcome = "latest"')
        project.join("ann@x.example")
        project.offer(article("a"))
        project.run(MONDAY)
        at = MONDAY + timedelta(days=1)
        with project.app(at) as app:
            signing_up.ask(app, SignUp("eve@x.example", app.newsletter("weekly"), None, "", "", ""), PAGE)
            send_letters(app)
            token = make_expiring_token(app.key, Purpose.CONFIRM, 1, at + timedelta(days=1))
            confirming.confirm(app, token, PAGE)
        silent.set()
        row = tables.letter.c
        with served(project, "--now", at.isoformat()) as pages, project.app(at) as app:
            eventually(lambda: _welcome(app)[1] is not None)  # it is marked: its first byte may leave
            eventually(lambda: len([one for one in project.sink.arrived if one.rcpt_to == "eve@x.example"]) == 2)
            pages.process.kill()
            pages.process.wait()
            with app.store.writing() as connection:  # its lease ends
                connection.execute(update(tables.letter).where(row.kind == "welcome").values(not_before=BEGAN))
            silent.clear()
            assert send_letters(app) == 0
            assert _welcome(app)[0] == "given up"
        project.offer(article("a"), article("b", at=MONDAY))
        project.run(MONDAY + WEEK)
        parser = BytesParser(policy=policy.default)
        arrived = [parser.parsebytes(one.message) for one in project.sink.arrived if one.rcpt_to == "eve@x.example"]
        assert [keys_in(mail) for mail in arrived] == [[], ["a"], ["b"]]


def _welcome(app: App) -> tuple[str, datetime | None]:
    row = tables.letter.c
    with app.store.reading() as connection:
        found = connection.execute(select(row.state, row.marked_at).where(row.kind == "welcome")).one()
    return found.state, found.marked_at

"""Projects to measure in: seventeen topics, one article each, any number of subscribers, one approved issue."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson

from digest.app import App
from digest.app.fetching import fetch
from digest.app.issuing import approve, coming_slot, draft
from digest.issues.issue import Issue, list_issues
from digest.settings.project import init_project
from digest.settings.reading import read_settings
from digest.store.database import Store

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
TOPICS = tuple(f"topic-{number:02}" for number in range(1, 18))
_SEED = 20261123


@dataclass(frozen=True, slots=True)
class Place:
    """A project's folder: what another process needs to open it."""

    folder: Path
    environment: dict[str, str]


@contextmanager
def a_place(
    mixes: Iterator[str], subscribers: int, *, suppressed: bool = True, strangers: int = 0, articles: int = len(TOPICS)
) -> Iterator[Place]:
    """A project whose first issue is approved and not yet planned; each subscriber follows the next of `mixes`.

    One in a thousand is `suppressed`, or nobody, and besides them so many `strangers`, whom nobody has subscribed. The issue holds so
    many `articles`, under the topics in turn.
    """
    with TemporaryDirectory(prefix="digest-bench-") as folder:
        place = Place(Path(folder), {})
        _write(place.folder, articles)
        with opened(place) as app:
            app.store.prepare()
            fetch(app)
            _subscribe(place.folder / "digest.db", mixes, subscribers, 1000 if suppressed else subscribers + 1)
            _suppress_strangers(place.folder / "digest.db", strangers)
            newsletter = app.settings.newsletters[0]
            frequency = newsletter.frequencies[0]
            issue = draft(app, newsletter, frequency, coming_slot(app, newsletter, frequency), "benchmark")
            approve(app, issue, "benchmark")
        yield place


@contextmanager
def a_project(subscribers: int, renditions: int, environment: dict[str, str]) -> Iterator[tuple[App, Issue]]:
    """An application with such a project, whose people get some dozen articles each."""
    with a_place(wide(renditions), subscribers, suppressed=False) as place, opened(place, **environment) as app:
        yield app, the_issue(app)


@contextmanager
def opened(place: Place, **environment: str) -> Iterator[App]:
    """The application of a project."""
    settings = read_settings(place.folder / "config" / "digest.toml", place.environment | environment)
    store = Store(settings.database_url, synchronous=settings.database.synchronous)
    try:
        yield App(settings, store, NOW)
    finally:
        store.close()


def the_issue(app: App) -> Issue:
    """The one issue there is."""
    with app.store.reading() as connection:
        (issue,) = list_issues(connection)
    return issue


def by_popularity() -> Iterator[str]:
    """Mixes of topics as people choose them: one in eight takes all, the others a few, the n-th topic 1/n as often as the first."""
    draw = random.Random(_SEED)
    weights = list(accumulate(1 / rank for rank in range(1, len(TOPICS) + 1)))
    many = list(accumulate((30, 25, 18, 12, 8, 5, 2)))
    while True:
        if draw.random() < 1 / 8:
            yield "*"
            continue
        wanted, chosen = 1 + draw.choices(range(7), cum_weights=many)[0], set[str]()
        while len(chosen) < wanted:
            chosen.update(draw.choices(TOPICS, cum_weights=weights, k=wanted - len(chosen)))
        yield " ".join(sorted(chosen))


def in_turn(mixes: int) -> Iterator[str]:
    """So many mixes, one after the other and over again: each bit of a number is a topic."""
    number = 0
    while True:
        number = number % mixes + 1
        yield " ".join(topic for bit, topic in enumerate(TOPICS) if number >> bit & 1)


def wide(mixes: int) -> Iterator[str]:
    """So many mixes in turn, each of a dozen topics less those that are the bits of a number."""
    number = 0
    while True:
        yield " ".join(topic for bit, topic in enumerate(TOPICS[:12]) if not number >> bit & 1)
        number = (number + 1) % mixes


def _write(folder: Path, many: int) -> None:
    init_project(folder, NOW - timedelta(days=3))
    config = folder / "config" / "digest.toml"
    before, _, rest = config.read_text("utf-8").partition("[newsletters.topics]\n")
    topics = "\n".join(f'{topic} = {{ title = "{topic.capitalize()}", tags = ["{topic}"] }}' for topic in TOPICS)
    before = before.replace("seed = 20", f"seed = {max(20, many)}").replace(
        "max_articles = 20", f"max_articles = {max(20, many)}"
    )
    config.write_text(f"{before}[newsletters.topics]\n{topics}\n\n{rest[rest.index('[delivery]') :]}", "utf-8")
    articles = orjson.loads((folder / "articles.json").read_bytes())
    listed = articles["articles"] if isinstance(articles, dict) else articles
    made = [dict(listed[place % len(listed)]) for place in range(many)]
    for place, article in enumerate(made):
        article["tags"] = [TOPICS[place % len(TOPICS)]]
        if place >= len(listed):
            again = f"-{place // len(listed)}"
            article |= {"id": f"{article.get('id', article['url'])}{again}", "url": f"{article['url']}{again}"}
    (folder / "articles.json").write_bytes(orjson.dumps(made))


def _suppress_strangers(database: Path, many: int) -> None:
    at = NOW.isoformat(timespec="microseconds")
    connection = sqlite3.connect(database)
    connection.executemany(
        "INSERT INTO suppression (address, scope, reason, source, created_at) VALUES (?, '*', 'bounced', 'benchmark', ?)",
        ((f"gone{i}@example.com", at) for i in range(many)),
    )
    connection.commit()
    connection.close()


def _subscribe(database: Path, mixes: Iterator[str], subscribers: int, suppressed_every: int) -> None:
    """Subscribers written straight into the tables: importing them is not what is measured."""
    at = NOW.isoformat(timespec="microseconds")
    connection = sqlite3.connect(database)
    connection.executemany(
        "INSERT INTO subscriber (id, email, address, created_at) VALUES (?, ?, ?, ?)",
        ((i, f"reader{i}@example.com", f"reader{i}@example.com", at) for i in range(1, subscribers + 1)),
    )
    connection.executemany(
        "INSERT INTO subscription (id, subscriber_id, newsletter, topics, frequency, state, coverage, owed, created_at)"
        " VALUES (?, ?, 'weekly', ?, 'weekly', 'active', 0, '', ?)",
        ((i, i, next(mixes), at) for i in range(1, subscribers + 1)),
    )
    connection.execute(
        "INSERT INTO suppression (address, scope, reason, source, created_at)"
        " SELECT address, '*', 'bounced', 'benchmark', ? FROM subscriber WHERE id % ? = 0",
        (at, suppressed_every),
    )
    connection.commit()
    connection.close()

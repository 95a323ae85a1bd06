"""A project to measure in: the sample's articles, any number of subscribers, one approved issue."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import text

from digest.app import App
from digest.app.fetching import fetch
from digest.app.issuing import approve, coming_slot, draft
from digest.issues.issue import Issue
from digest.settings.project import init_project
from digest.settings.reading import read_settings
from digest.store.database import Store

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
_SEED = 20261123


@contextmanager
def a_project(subscribers: int, renditions: int, environment: dict[str, str]) -> Iterator[tuple[App, Issue]]:
    """An application whose first issue is approved and not yet planned; its people follow about `renditions` mixes of topics."""
    with TemporaryDirectory(prefix="digest-bench-") as folder:
        init_project(Path(folder), NOW - timedelta(days=3))
        settings = read_settings(Path(folder) / "config" / "digest.toml", environment)
        store = Store(settings.database_url, synchronous=settings.database.synchronous)
        try:
            store.prepare()
            app = App(settings, store, NOW)
            fetch(app)
            _people(store, [*settings.newsletters[0].topics], subscribers, renditions)
            newsletter = settings.newsletters[0]
            frequency = newsletter.frequencies[0]
            issue = draft(app, newsletter, frequency, coming_slot(app, newsletter, frequency), "benchmark")
            yield app, approve(app, issue, "benchmark")
        finally:
            store.close()


def _people(store: Store, topics: list[str], subscribers: int, renditions: int) -> None:
    """Subscribers written straight into the tables: importing them is not what is measured."""
    draw = random.Random(_SEED)
    mixes = [" ".join(sorted(draw.sample(topics, draw.randint(1, len(topics))))) for _ in range(renditions)]
    at = NOW.isoformat(timespec="microseconds")
    with store.writing() as connection:
        people = text("INSERT INTO subscriber (id, email, address, created_at) VALUES (:id, :email, :email, :at)")
        terms = text(
            "INSERT INTO subscription (id, subscriber_id, newsletter, topics, frequency, state, coverage, owed, created_at)"
            " VALUES (:id, :id, 'weekly', :topics, 'weekly', 'active', 0, '', :at)"
        )
        for start in range(1, subscribers + 1, 50_000):
            ids = range(start, min(start + 50_000, subscribers + 1))
            rows = [{"id": i, "email": f"u{i}@example.com", "topics": mixes[i % len(mixes)], "at": at} for i in ids]
            connection.execute(people, rows)
            connection.execute(terms, rows)

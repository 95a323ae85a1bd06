"""Counting: what is small is as it is now; what is large is as it was counted last, and says when."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from digest.app import App, counting
from digest.app.overseeing import overview
from digest.store import tables
from tests.journeys.project import MONDAY, Project, a_project, article
from tests.journeys.serving import served

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with a_project(tmp_path) as made:
        made.join("ann@x.example")
        made.offer(article("a"))
        made.run(MONDAY)
        yield made


def figures(app: App) -> list[str]:
    with app.store.reading() as connection:
        return list(connection.execute(select(tables.figure.c.name).order_by(tables.figure.c.name)).scalars())


def test_what_is_large_is_counted_by_a_thread_and_says_when(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "SMALL", 0)
    with project.app(MONDAY) as app:
        before = overview(app)
        assert (before.audience, before.coming[0].subscribers, before.out[0].issues[0].counted) == (None, None, False)
        assert counting.recount(app) == 2
        assert figures(app) == ["audience", "issue"]
        after = overview(app)
        assert after.audience is not None
        assert (after.audience.at, after.coming[0].subscribers) == (MONDAY, 1)
        (out,) = after.out[0].issues
        assert (out.counted, out.accepted, out.as_of) == (True, 1, None)
        assert counting.recount(app) == 0
    project.join("bob@x.example", at=MONDAY)
    with project.app(MONDAY) as app:
        later = replace(app, now=MONDAY + timedelta(minutes=5))
        stale = overview(later)
        assert stale.audience is not None
        assert (stale.audience.at, stale.coming[0].subscribers) == (MONDAY, 1)
        assert stale.out[0].issues[0].as_of == MONDAY
        assert counting.recount(later) == 2
        assert overview(later).coming[0].subscribers == 2


def test_what_is_small_is_as_it_is_now_and_its_issues_are_kept_for_the_next_view(project: Project) -> None:
    with project.app(MONDAY) as app:
        assert overview(app).coming[0].subscribers == 1
        assert counting.recount(app) == 1
        assert figures(app) == ["issue"]
    project.join("bob@x.example", at=MONDAY)
    with project.app(MONDAY) as app:
        found = overview(app)
        assert (found.coming[0].subscribers, found.out[0].issues[0].as_of) == (2, None)


def test_who_is_asked_to_end_counts_nothing_more(project: Project) -> None:
    with project.app(MONDAY) as app:
        app.stop.set()
        assert counting.recount(app) == 0
        app.stop.clear()


@pytest.mark.rather_sqlite
def test_digest_serve_counts_without_being_asked(project: Project) -> None:
    with served(project), project.app(MONDAY) as app:
        until = time.monotonic() + 60
        while not figures(app) and time.monotonic() < until:
            time.sleep(0.05)
        assert figures(app) == ["issue"]

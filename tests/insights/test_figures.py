"""Figures that are kept: when they are due, what they hold, and what an issue is compared with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert

from digest.insights.audience_figures import WEEKS, count_audience, followers
from digest.insights.comparing import compare
from digest.insights.figures import SELDOM, Figure, is_due, keep, kept
from digest.store import tables
from digest.store.database import Store
from tests.databases import Databases

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("age", "took", "mark", "due"),
    [
        (timedelta(seconds=59), 0.0, "other", False),
        (timedelta(seconds=60), 0.0, "other", True),
        (timedelta(seconds=60), 0.0, "same", False),
        (timedelta(minutes=4), 5.0, "other", False),
        (timedelta(minutes=5), 5.0, "other", True),
        (timedelta(minutes=59), 0.0, "same", False),
        (timedelta(hours=1), 0.0, "same", True),
        (timedelta(minutes=-5), 5.0, "same", True),
    ],
)
def test_a_figure_is_due_by_what_changed_by_its_age_and_by_what_counting_costs(
    age: timedelta, took: float, mark: str, due: bool
) -> None:
    found = Figure("audience", "", {}, "same", NOW - age, took)
    assert is_due(found, mark, now=NOW) is due


def test_what_hardly_changes_may_wait_longer() -> None:
    found = Figure("issue", "7", {}, "same", NOW - timedelta(minutes=30), 5.0)
    assert is_due(found, "other", now=NOW)
    assert not is_due(found, "other", now=NOW, times=SELDOM)


def test_what_was_never_counted_is_due() -> None:
    assert is_due(None, "any", now=NOW)


def issue(accepted: int, left: int = 0, **told: int | None) -> dict[str, Any]:
    kinds = dict.fromkeys(("delivered", "opened", "clicked", "complained", "bounced"))
    return {"account": {"accepted": accepted}, "left": left, "told": kinds | told}


def test_an_issue_is_compared_with_the_average_of_those_before_it_that_know() -> None:
    before = [issue(100, opened=40), issue(200, opened=100, left=2), issue(100), issue(0, opened=0)]
    measures = {one.name: one for one in compare(issue(50, left=1, opened=30, delivered=0), before)}
    assert (measures["opened"].many, measures["opened"].share) == (30, 0.6)
    assert measures["opened"].usual == pytest.approx(0.45)
    assert measures["opened"].among == 2
    assert (measures["delivered"].share, measures["delivered"].usual, measures["delivered"].among) == (0.0, None, 0)
    assert (measures["clicked"].many, measures["clicked"].share) == (None, None)
    assert (measures["unsubscribed"].share, measures["unsubscribed"].among) == (0.02, 3)
    assert measures["unsubscribed"].usual == pytest.approx(0.01 / 3)


def test_ten_are_compared_and_no_more() -> None:
    before = [issue(100, opened=10)] * 10 + [issue(100, opened=100)]
    (opened,) = (one for one in compare(issue(100, opened=20), before) if one.name == "opened")
    assert opened.usual == pytest.approx(0.1)
    assert opened.among == 10


@pytest.fixture
def store(tmp_path: Path, database: Databases) -> Any:
    made = Store(database.url(tmp_path))
    made.prepare()
    yield made
    made.close()


def test_the_audience_is_counted_by_frequency_state_topic_and_week(store: Store) -> None:
    week = timedelta(weeks=1)
    people = [  # topics, state, confirmed at, ended at
        ("*", "active", NOW - 60 * week, None),
        ("python", "active", NOW - 2 * week, None),
        ("databases python", "paused", NOW - 2 * week, None),
        ("python", "unsubscribed", NOW - 3 * week, NOW - week),
        ("databases", "active", NOW, None),
        ("databases", "pending", None, None),
        ("databases", "unsubscribed", None, NOW),
    ]
    with store.writing() as connection:
        for number, (topics, state, confirmed, ended) in enumerate(people, 1):
            address = f"{number}@x.example"
            connection.execute(insert(tables.subscriber).values(id=number, email=address, address=address, created_at=NOW))
            row = {"subscriber_id": number, "newsletter": "weekly", "topics": topics, "frequency": "weekly", "state": state}
            row |= {"coverage": 0, "created_at": NOW, "confirmed_at": confirmed, "ended_at": ended}
            connection.execute(insert(tables.subscription).values(row))
        found = count_audience(connection, NOW.date())["weekly"]
        figure = Figure("audience", "", {"weekly": dict(found)}, "m", NOW, 0.5)
        keep(connection, figure)
        keep(connection, figure)
        again = kept(connection, "audience")[""]
    assert (again.value["weekly"]["active"], again.took, again.taken_at) == ({"weekly": 3}, 0.5, NOW)
    assert found["states"] == {"active": 3, "paused": 1, "unsubscribed": 2, "pending": 1}
    assert [followers(found["topics"], topic) for topic in ("python", "databases", "ops")] == [2, 2, 1]
    weeks = found["weeks"]
    assert (len(weeks), weeks[0][3]) == (WEEKS, 1)
    assert [(joined, left, readers) for _, joined, left, readers in weeks[-4:]] == [(1, 0, 2), (2, 0, 4), (0, 1, 3), (1, 0, 4)]
    assert weeks[-1][0] == "2026-11-23"

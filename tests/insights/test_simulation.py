"""A simulation makes the issues that runs would have made, and touches nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from digest.insights.charts import Series, bars
from digest.insights.simulation import Group, Simulation, followed, simulate, totals
from digest.insights.simulation_page import Ruled, page
from digest.issues.selection import Candidate
from digest.settings import NewsletterSettings
from tests.issues.newsroom import newsletter

MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)
DAY = timedelta(days=1)
EVERYTHING = frozenset({"python", "data", "career"})


def rules(**changes: Any) -> NewsletterSettings:
    """A weekly newsletter of three topics."""
    return NewsletterSettings.model_validate(newsletter(schedule="0 9 * * 1") | changes)


def came(*days: float, topics: tuple[str, ...] = ("python",), first: int = 1) -> list[tuple[datetime, Candidate]]:
    """Articles that arrived so many days after the first Monday."""
    return [(MONDAY + day * DAY, Candidate(first + place, None, topics, MONDAY + day * DAY)) for place, day in enumerate(days)]


def over(articles: Any, groups: Any = (), weeks: int = 3, **changes: Any) -> Simulation:
    """So many weeks, from a week before the first Monday."""
    return simulate(rules(**changes), articles, groups, MONDAY - 7 * DAY, MONDAY + 7 * (weeks - 1) * DAY)


def test_each_article_is_in_one_issue_and_a_slot_without_any_is_skipped_with_the_reason() -> None:
    made = over(came(-3, -2, 5), weeks=4)
    assert [(one.number, one.articles) for one in made.slots] == [(1, 2), (2, 1), (None, 0), (None, 0)]
    assert made.slots[2].skipped == "no article qualified and min_articles is 1"
    assert totals(made) == {"slots": 4, "issues": 2, "skipped": 2, "articles": 3, "carried": 0, "expired": 0, "mails": 0}


def test_what_finds_no_room_is_carried_over_and_expires_as_in_a_run() -> None:
    made = over(came(-3, -2.5, -2, 1, 8, 15), weeks=4, max_articles=1, carry_over=1)
    assert [(one.articles, one.carried, one.waiting, one.expired) for one in made.slots] == [
        (1, 0, 2, 0),
        (1, 1, 2, 0),
        (1, 1, 1, 1),
        (1, 1, 1, 0),
    ]


def test_below_the_minimum_articles_roll_over() -> None:
    made = over(came(-1, 3), min_articles=2)
    assert [one.articles for one in made.slots] == [0, 2, 0]
    assert made.slots[0].skipped == "only 1 article qualified and min_articles is 2"


def test_topics_that_had_nothing_are_starved_and_only_those_are_reached_who_have_something() -> None:
    groups = [Group("weekly", frozenset({"python"}), 10), Group("weekly", frozenset({"career"}), 5)]
    made = over([*came(-1, 3), *came(4, topics=("career",), first=9)], groups, weeks=2)
    assert [(one.reached, one.considered) for one in made.slots] == [(10, 15), (15, 15)]
    assert made.starved == {"python": 0, "data": 2, "career": 1}
    assert not made.nobody


def test_a_frequency_that_nobody_has_makes_no_issue() -> None:
    groups = [Group("weekly", EVERYTHING, 1)]
    made = over(came(-6, 3), groups, weeks=2, schedule={"weekly": "0 9 * * 1", "monthly": "0 9 1 * *"})
    assert [(one.frequency, one.skipped) for one in made.slots] == [("weekly", None), ("weekly", None)]
    monthly = over(came(-6, 3), groups, weeks=3, schedule={"weekly": "0 9 * * 1", "monthly": "0 9 1 * *"})
    assert [one.skipped for one in monthly.slots if one.frequency == "monthly"] == ["nobody is subscribed"]


def test_of_a_huge_catalogue_the_largest_groups_alone_are_followed_and_the_others_counted() -> None:
    assert [followed(many) for many in (10, 10_000, 100_000, 10_000_000)] == [500, 30, 3, 3]
    groups = [Group("weekly", EVERYTHING, 7), *(Group("weekly", frozenset({"python"}), 1) for _ in range(510))]
    assert over(came(-1), groups, weeks=1).left_aside == 11


def test_the_report_shows_every_value_and_says_what_was_skipped() -> None:
    one = over(came(-3, -2, 5))
    other = over(came(-3, -2, 5), min_articles=2)
    shown = page("The <Weekly>", "2026", 3, [Ruled("these rules", one), Ruled("other.toml", other)])
    assert "The &lt;Weekly&gt;" in shown
    assert shown.count("<svg ") == 5
    assert "2026-11-23 these rules: 2" in shown
    assert "prefers-color-scheme: dark" in shown
    assert shown.count("2026-11-30T09:00") == 2
    assert "only 1 article qualified and min_articles is 2 (2)" in shown
    assert "<script" not in shown


@pytest.mark.parametrize(("values", "top"), [((3,), "4"), ((11,), "20"), ((0,), "2"), ((1001,), "2,000")])
def test_a_chart_ends_at_a_number_that_is_easy_to_read(values: tuple[int, ...], top: str) -> None:
    assert f">{top}</text>" in bars("Some", ["a"], [Series("a", "series-0", values)])


def test_a_chart_of_nothing_at_all_is_still_a_chart() -> None:
    assert "has no values" in bars("Some", [], [Series("these", "series-0", [])])

"""Which of the articles that qualified comes first, for each order there is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.issues.selection import Candidate, Reader, Reason, Rules, select
from digest.settings import Order

NOW = datetime(2026, 11, 23, tzinfo=UTC)
DAY = timedelta(days=1)
RULES = Rules(topics=("a",), max_articles=20, max_per_topic=20, carry_over=4)
OLD = Candidate(1, 11, ("a",), NOW - 3 * DAY)
STAR = Candidate(2, 12, ("a",), NOW - 2 * DAY, featured=True)
READ = Candidate(3, 13, ("a",), NOW - 5 * DAY, popularity=900.0)
CLICKED = Candidate(4, 14, ("a",), NOW - 4 * DAY, clicks=1.5)
LAST = Candidate(5, 15, ("a",), NOW)
UNDATED = Candidate(6, 16, ("a",), None)
OWED = Candidate(7, 3, ("a",), NOW - 9 * DAY)
OWED_STAR = Candidate(8, 4, ("a",), NOW - 10 * DAY, featured=True, clicks=9.0)
PINNED = Candidate(9, 5, ("a",), NOW - 20 * DAY)
EVERY = [OLD, STAR, READ, CLICKED, LAST, UNDATED, OWED, OWED_STAR, PINNED]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (Order.FEATURED, [9, 7, 8, 2, 5, 1, 4, 3, 6]),
        (Order.NEWEST, [9, 7, 8, 5, 2, 1, 4, 3, 6]),
        (Order.OLDEST, [9, 8, 7, 3, 4, 1, 2, 5, 6]),
        (Order.POPULAR, [9, 8, 7, 4, 3, 5, 2, 1, 6]),
    ],
)
def test_each_order_puts_pinned_first_then_owed_then_new(order: Order, expected: list[int]) -> None:
    rules = replace(RULES, order=order, pinned=(9,))
    reader = Reader(frozenset({"a"}), coverage=10, owed={7: 1, 8: 1})
    assert [decision.article for decision in select(EVERY, rules, reader, cutoff=20).chosen] == expected


@settings(max_examples=100, deadline=None)
@given(
    order=st.sampled_from(Order),
    candidates=st.lists(
        st.builds(
            Candidate,
            id=st.integers(1, 30),
            arrival=st.integers(1, 20),
            topics=st.just(("a",)),
            published_at=st.none() | st.integers(-9, 9).map(lambda days: NOW + days * DAY),
            featured=st.booleans(),
            clicks=st.sampled_from([0.0, 1.0, 2.5]),
            popularity=st.sampled_from([0.0, 10.0]),
        ),
        unique_by=lambda candidate: candidate.id,
    ),
    draw=st.randoms(use_true_random=False),
    limit=st.integers(1, 10),
)
def test_whatever_the_order_owed_comes_before_new_and_the_way_in_plays_no_part(
    order: Order, candidates: list[Candidate], draw: object, limit: int
) -> None:
    rules = replace(RULES, order=order, max_articles=limit)
    reader = Reader(frozenset({"a"}), coverage=5, owed=dict.fromkeys(range(1, 9), 1))
    found = select(candidates, rules, reader, cutoff=20)
    draw.shuffle(candidates)  # type: ignore[attr-defined]  # hypothesis' random is one
    assert select(candidates, rules, reader, cutoff=20) == found
    reasons = [decision.reason for decision in found.chosen]
    assert reasons == sorted(reasons, key=lambda reason: reason is not Reason.CARRIED_OVER)

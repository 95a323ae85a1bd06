"""Articles of different sources that tell the same, and what that means for a selection."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.issues.selection import OVER, Candidate, Reader, Reason, Rules, Selection, select
from digest.issues.stories import COMPARED, Told, alike, find_stories, words_of

NOW = datetime(2026, 11, 23, tzinfo=UTC)
HOUR, WITHIN = timedelta(hours=1), timedelta(days=3)
TITLE = "Postgres 18 ships with asynchronous reads"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (TITLE, TITLE, True),
        (TITLE, "POSTGRES 18 ships — with asynchronous reads!", True),
        ("Größere Änderungen im Café", "größere änderungen im cafe", True),
        (TITLE, "Postgres 18 ships with asynchronous reads today", True),
        (TITLE, "Postgres 17 ships with asynchronous reads", False),
        (TITLE, "Postgres 18 ships with faster reads", False),
        ("Version 12 of the big engine is out now for all", "Version 13 of the big engine is out now for all", False),
        ("One two three", "One two four", False),
    ],
)
def test_titles_are_nearly_the_same_by_their_words_and_all_their_numbers(one: str, other: str, same: bool) -> None:
    assert alike(words_of(one), words_of(other)) is same
    assert alike(words_of(other), words_of(one)) is same


def told(number: int, source: str, title: str = TITLE, at: datetime = NOW) -> Told:
    return Told(number, source, title, at)


@pytest.mark.parametrize(
    ("articles", "stories"),
    [
        ([told(1, "a"), told(2, "b")], {1: 1, 2: 1}),
        ([told(1, "a"), told(2, "b"), told(3, "c")], {1: 1, 2: 1, 3: 1}),
        ([told(1, "a"), told(2, "a")], {}),
        ([told(1, "a"), told(2, "a", at=NOW + HOUR), told(3, "b", at=NOW + 2 * HOUR)], {2: 2, 3: 2}),
        ([told(1, "a"), told(2, "b", at=NOW + WITHIN)], {1: 1, 2: 1}),
        ([told(1, "a"), told(2, "b", at=NOW + WITHIN + HOUR)], {}),
        ([told(1, "a", "Release notes"), told(2, "b", "Release notes")], {}),
        ([told(1, "a", "👩‍👩‍👧‍👦 !!!"), told(2, "b", "👩‍👩‍👧‍👦 !!!")], {}),
        ([told(5, "a"), told(2, "b", at=NOW + HOUR)], {2: 5, 5: 5}),
        ([], {}),
    ],
)
def test_a_story_is_told_once_by_each_source_and_not_too_far_apart(articles: list[Told], stories: dict[int, int]) -> None:
    assert find_stories(articles, WITHIN) == stories
    assert find_stories(articles[::-1], WITHIN) == stories


def test_no_time_apart_means_never() -> None:
    assert find_stories([told(1, "a"), told(2, "b")], timedelta(0)) == {}


def test_what_is_compared_is_bounded_and_the_latest_is_found_all_the_same() -> None:
    many = [
        told(number, "a", f"{'alpha beta gamma delta'} word{chr(97 + number % 26)}{number}") for number in range(20 * COMPARED)
    ]
    last = told(9999, "b", many[-1].title, NOW + HOUR)
    assert find_stories([*many, last], WITHIN) == {many[-1].id: many[-1].id, 9999: many[-1].id}


@settings(max_examples=100, deadline=None)
@given(
    articles=st.lists(
        st.builds(
            Told,
            st.integers(1, 40),
            st.sampled_from("abc"),
            st.lists(st.sampled_from(["red", "green", "blue", "7", "8", "tea"]), max_size=6).map(" ".join),
            st.integers(0, 100).map(lambda hours: NOW + hours * HOUR),
        ),
        unique_by=lambda one: one.id,
    ),
    draw=st.randoms(use_true_random=False),
)
def test_no_story_has_a_source_twice_or_a_title_unlike_its_first_and_the_way_in_plays_no_part(
    articles: list[Told], draw: object
) -> None:
    stories = find_stories(articles, WITHIN)
    draw.shuffle(articles)  # type: ignore[attr-defined]  # hypothesis' random is one
    assert find_stories(articles, WITHIN) == stories
    known = {one.id: one for one in articles}
    for story in set(stories.values()):
        members = [known[one] for one, found in stories.items() if found == story]
        assert len(members) == len({one.source for one in members}) > 1
        for one in members:
            assert alike(words_of(one.title), words_of(known[story].title))
            assert timedelta(0) <= one.at - known[story].at <= WITHIN


RULES = Rules(topics=("a", "b"), max_articles=20, max_per_topic=20, carry_over=2)
READER = Reader(frozenset({"a", "b"}), coverage=10, owed={})
ONE = Candidate(1, 11, ("a",), NOW, story=7)
OTHER = Candidate(2, 12, ("b",), NOW - HOUR, story=7)


def found(selection: Selection) -> dict[int, tuple[Reason, int | None]]:
    return {one.article: (one.reason, selection.instead.get(one.article)) for one in selection.decisions}


@pytest.mark.parametrize(
    ("candidates", "rules", "reader", "expected"),
    [
        ((ONE, OTHER), RULES, READER, {1: (Reason.NEW, None), 2: (Reason.SAME_STORY, 1)}),
        ((ONE, OTHER), replace(RULES, pinned=(1, 2)), READER, {1: (Reason.PINNED, None), 2: (Reason.PINNED, None)}),
        ((ONE, replace(OTHER, featured=True)), RULES, READER, {2: (Reason.FEATURED, None), 1: (Reason.SAME_STORY, 2)}),
        ((ONE, OTHER), RULES, replace(READER, owed={2: 1}), {2: (Reason.CARRIED_OVER, None), 1: (Reason.SAME_STORY, 2)}),
        ((ONE, OTHER), RULES, replace(READER, topics=frozenset("b")), {1: (Reason.NO_TOPIC, None), 2: (Reason.NEW, None)}),
        ((ONE, OTHER), RULES, replace(READER, had=frozenset({2})), {1: (Reason.SAME_STORY, 2), 2: (Reason.ALREADY_SENT, None)}),
        ((ONE, OTHER), replace(RULES, pinned=(2,)), READER, {2: (Reason.PINNED, None), 1: (Reason.SAME_STORY, 2)}),
        ((ONE, OTHER), replace(RULES, excluded=(1,)), READER, {1: (Reason.EXCLUDED, None), 2: (Reason.NEW, None)}),
        ((ONE, replace(OTHER, story=8)), RULES, READER, {1: (Reason.NEW, None), 2: (Reason.NEW, None)}),
        (
            (ONE, OTHER, Candidate(3, 13, ("a",), NOW + HOUR)),
            replace(RULES, max_per_topic=1),
            READER,
            {3: (Reason.NEW, None), 2: (Reason.NEW, None), 1: (Reason.SAME_STORY, 2)},
        ),
        (
            (ONE, OTHER, Candidate(3, 13, ("a",), NOW + HOUR)),
            replace(RULES, max_articles=1),
            READER,
            {3: (Reason.NEW, None), 2: (Reason.OVER_THE_LIMIT, None), 1: (Reason.OVER_THE_LIMIT, None)},
        ),
    ],
)
def test_of_a_story_the_first_that_finds_room_is_shown_and_the_others_are_as_good_as_had(
    candidates: tuple[Candidate, ...], rules: Rules, reader: Reader, expected: dict[int, tuple[Reason, int | None]]
) -> None:
    assert found(select(candidates, rules, reader, cutoff=20)) == expected


@settings(max_examples=150, deadline=None)
@given(
    candidates=st.lists(
        st.builds(
            Candidate,
            id=st.integers(1, 40),
            arrival=st.integers(1, 25),
            topics=st.sampled_from([("a",), ("b",), ("a", "b"), ("c",)]),
            published_at=st.integers(-50, 50).map(lambda hours: NOW + hours * HOUR),
            featured=st.booleans(),
            author=st.sampled_from([None, "Kim"]),
            story=st.none() | st.integers(1, 6),
        ),
        unique_by=lambda candidate: candidate.id,
        max_size=30,
    ),
    most=st.integers(1, 6),
    author=st.none() | st.integers(1, 2),
    turns=st.booleans(),
    had=st.sets(st.integers(1, 40), max_size=6),
)
def test_nobody_is_told_a_story_twice_and_none_is_kept_from_whom_it_was_not_told(
    candidates: list[Candidate], most: int, author: int | None, turns: bool, had: set[int]
) -> None:
    rules = replace(RULES, max_articles=most, max_per_author=author, topics_take_turns=turns)
    reader = Reader(frozenset("ab"), coverage=5, owed={1: 1, 2: 9}, had=frozenset(had))
    selection = select(candidates, rules, reader, cutoff=20)
    stories = {candidate.id: candidate.story for candidate in candidates}
    shown = [stories[one.article] for one in selection.chosen if stories[one.article] is not None]
    told = {stories[one.article] for one in selection.decisions if one.reason is Reason.ALREADY_SENT}
    assert len(shown) == len(set(shown))
    assert not set(shown) & told
    for decision in selection.decisions:
        if decision.reason is Reason.SAME_STORY:
            assert stories[selection.instead[decision.article]] == stories[decision.article] in {*shown, *told}
        if decision.reason in OVER:
            assert stories[decision.article] is None or stories[decision.article] not in {*shown, *told}

"""The limits of one mail, by topic and by author, and topics that take turns."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.issues.selection import OVER, Candidate, Reader, Reason, Rules, Selection, select

NOW = datetime(2026, 11, 23, tzinfo=UTC)
RULES = Rules(topics=("a", "b", "c"), max_articles=4, max_per_topic=4, carry_over=4)
TURNS = replace(RULES, topics_take_turns=True)
EVERYTHING = frozenset({"a", "b", "c"})


def candidates(*written: str) -> list[Candidate]:
    """`a1 b2! c3+ann`: topic and number, the lower the newer; `!` is featured, `+` names the author."""
    made = []
    for one in written:
        name, _, author = one.partition("+")
        number = int(name[1:].rstrip("!"))
        published, featured = NOW - timedelta(hours=number), name.endswith("!")
        made.append(Candidate(number, 100 - number, (name[0],), published, featured=featured, author=author or None))
    return made


def chosen(selection: Selection) -> list[int]:
    return [decision.article for decision in selection.chosen]


@pytest.mark.parametrize(
    ("written", "rules", "owed", "expected"),
    [
        ("a1 a2 a3 a4 b5 c6", RULES, (), [1, 2, 3, 4]),
        ("a1 a2 a3 a4 b5 c6", TURNS, (), [1, 5, 6, 2]),
        ("a1 a2 b5! c6", replace(TURNS, max_articles=2), (), [1, 5]),
        ("a1 a2! b5 c6", TURNS, (), [2, 5, 6, 1]),
        ("a1 a2 a3 b5 b6 c7", TURNS, (2, 3), [2, 3, 5, 7]),
        ("a1 a2 b5 b6 c7", TURNS, (5, 6, 7, 1, 2), [1, 5, 7, 2]),
        ("a1 a2 a3 b4", replace(TURNS, pinned=(3, 2)), (), [3, 2, 4, 1]),
        ("a1 a2 a3 b4", replace(TURNS, max_per_topic=1), (), [1, 4]),
        ("a1+ann a2+ann a3+Ann b4+ann b5", replace(RULES, max_per_author=2), (), [1, 2, 5]),
        ("a1+ann a2+ann b4+bob", replace(TURNS, max_per_author=1), (), [1, 4]),
        ("a1 a2 a3", replace(RULES, max_per_author=1), (), [1, 2, 3]),
        ("a1+ann a2+ann a3+ann", replace(RULES, max_per_author=1, pinned=(3, 2)), (), [3, 2]),  # an editor may
    ],
)
def test_who_gets_room(written: str, rules: Rules, owed: tuple[int, ...], expected: list[int]) -> None:
    reader = Reader(EVERYTHING, coverage=0, owed=dict.fromkeys(owed, 1))
    assert chosen(select(candidates(*written.split()), rules, reader, cutoff=100)) == expected


def test_what_an_author_has_too_much_of_is_owed_with_a_reason_of_its_own() -> None:
    rules = replace(RULES, max_per_author=1, max_articles=2)
    reader = Reader(EVERYTHING, coverage=0, owed={})
    selection = select(candidates("a1+ann", "a2+ann", "b3", "b4+ann"), rules, reader, cutoff=100)
    reasons = {decision.article: decision.reason for decision in selection.decisions}
    assert (reasons[2], reasons[4]) == (Reason.OVER_THE_AUTHOR_LIMIT, Reason.OVER_THE_LIMIT)
    assert selection.over_the_limit == (2, 4)


@settings(max_examples=150, deadline=None)
@given(
    written=st.lists(
        st.builds(
            "{}{}{}{}".format,
            st.sampled_from("abc"),
            st.integers(1, 60),
            st.sampled_from(["", "!"]),
            st.sampled_from(["", "+ann", "+bob"]),
        ),
        unique_by=lambda one: int("".join(filter(str.isdigit, one))),
        max_size=25,
    ),
    most=st.integers(1, 8),
    topic=st.integers(1, 5),
    author=st.none() | st.integers(1, 3),
    turns=st.booleans(),
    owed=st.sets(st.integers(1, 60), max_size=8),
)
def test_no_limit_is_passed_nothing_that_fits_is_left_out_and_turns_are_even(
    written: list[str], most: int, topic: int, author: int | None, turns: bool, owed: set[int]
) -> None:
    made = {candidate.id: candidate for candidate in candidates(*written)}
    rules = replace(RULES, max_articles=most, max_per_topic=topic, max_per_author=author, topics_take_turns=turns)
    selection = select(made.values(), rules, Reader(EVERYTHING, 0, dict.fromkeys(owed, 1)), cutoff=100)
    topics = Counter(decision.topic for decision in selection.chosen)
    authors = Counter(made[one].author for one in chosen(selection) if made[one].author)
    assert len(selection.chosen) <= most
    assert max(topics.values(), default=0) <= topic
    assert author is None or max(authors.values(), default=0) <= author
    full = [one for one in authors if author is not None and authors[one] == author]
    left = [decision for decision in selection.decisions if decision.reason in OVER]
    assert len(left) + len(selection.chosen) == len(made)
    for one in left:
        assert len(selection.chosen) == most or topics[one.topic] == topic or made[one.article].author in full
    if turns and not owed and author is None:
        waiting = {decision.topic for decision in left} - {name for name, many in topics.items() if many == topic}
        for name in waiting:
            assert topics[name] >= max(topics.values()) - 1

"""Which articles, and by which rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.issues.arranging import arrange
from digest.issues.frozen import Frozen
from digest.issues.lifecycle import STEPS, IssueState
from digest.issues.owed import format_owed, older, parse_owed
from digest.issues.selection import CHOSEN, Candidate, Reader, Reason, Rules, Selection, select
from digest.issues.wording import Wording
from digest.rendering.content import IssueContent, SenderContent, SiteContent

NOW = datetime(2026, 11, 23, tzinfo=UTC)
RULES = Rules(topics=("a", "b", "c"), max_articles=20, max_per_topic=10, carry_over=2)
READER = Reader(frozenset({"a", "b"}), coverage=10, owed={})
PLAIN = Candidate(1, 11, ("a",), NOW)


def reason(candidate: Candidate, rules: Rules = RULES, reader: Reader = READER) -> Reason:
    (decision,) = select([candidate], rules, reader, cutoff=20).decisions
    return decision.reason


@pytest.mark.parametrize(
    ("candidate", "rules", "reader", "expected"),
    [
        (PLAIN, RULES, READER, Reason.NEW),
        (replace(PLAIN, featured=True), RULES, READER, Reason.FEATURED),
        (replace(PLAIN, arrival=3), replace(RULES, pinned=(1,)), READER, Reason.PINNED),
        (replace(PLAIN, arrival=3), RULES, replace(READER, owed={1: 2}), Reason.CARRIED_OVER),
        (replace(PLAIN, arrival=3), RULES, replace(READER, owed={1: 3}), Reason.EXPIRED),
        (PLAIN, replace(RULES, max_per_topic=0), READER, Reason.OVER_THE_LIMIT),
        (
            replace(PLAIN, seeded_at=NOW, published_at=NOW - timedelta(days=9)),
            replace(RULES, lookback=timedelta(days=7)),
            READER,
            Reason.TOO_OLD,
        ),
        (replace(PLAIN, published_at=NOW - timedelta(days=999)), replace(RULES, lookback=timedelta(days=7)), READER, Reason.NEW),
        (replace(PLAIN, arrival=None), RULES, READER, Reason.NOT_YET_PUBLISHED),
        (replace(PLAIN, arrival=21), RULES, READER, Reason.NOT_YET_PUBLISHED),
        (PLAIN, replace(RULES, excluded=(1,)), READER, Reason.EXCLUDED),
        (replace(PLAIN, withdrawn=True), RULES, READER, Reason.WITHDRAWN),
        (replace(PLAIN, arrival=10), RULES, READER, Reason.ALREADY_COVERED),
        (PLAIN, RULES, replace(READER, had=frozenset({1})), Reason.ALREADY_SENT),
        (replace(PLAIN, language="de"), replace(RULES, languages=("en",)), READER, Reason.OTHER_LANGUAGE),
        (replace(PLAIN, language="de"), replace(RULES, languages=("en",)), replace(READER, owed={1: 1}), Reason.OTHER_LANGUAGE),
        (replace(PLAIN, language="de"), replace(RULES, languages=("en",), pinned=(1,)), READER, Reason.PINNED),
        (replace(PLAIN, language="en-GB"), replace(RULES, languages=("en",)), READER, Reason.NEW),
        (PLAIN, replace(RULES, languages=("en",)), READER, Reason.NEW),
        (replace(PLAIN, topics=("c",)), RULES, READER, Reason.NO_TOPIC),
    ],
)
def test_each_rule_has_its_reason(candidate: Candidate, rules: Rules, reader: Reader, expected: Reason) -> None:
    assert reason(candidate, rules, reader) is expected


def test_pinned_then_owed_then_featured_then_newest() -> None:
    candidates = [
        replace(PLAIN, id=1, published_at=NOW),
        replace(PLAIN, id=2, published_at=NOW + timedelta(days=1)),
        replace(PLAIN, id=3, featured=True),
        replace(PLAIN, id=4, arrival=2),
        replace(PLAIN, id=5),
    ]
    reader = replace(READER, owed={4: 1})
    chosen = select(candidates, replace(RULES, pinned=(5,)), reader, cutoff=20).chosen
    assert [decision.article for decision in chosen] == [5, 4, 3, 2, 1]


def test_an_article_of_two_topics_stands_under_the_first_that_is_followed() -> None:
    two = replace(PLAIN, topics=("a", "b"))
    both = select([two], RULES, READER, cutoff=20).chosen
    second = select([two], RULES, replace(READER, topics=frozenset({"b"})), cutoff=20).chosen
    assert ([d.topic for d in both], [d.topic for d in second]) == (["a"], ["b"])


CANDIDATES = st.lists(
    st.builds(
        Candidate,
        id=st.integers(1, 40),
        arrival=st.none() | st.integers(1, 25),
        topics=st.sampled_from([(), ("a",), ("b",), ("a", "b"), ("c",), ("b", "c")]),
        published_at=st.none() | st.integers(-50, 50).map(lambda days: NOW + timedelta(days=days)),
        featured=st.booleans(),
        withdrawn=st.booleans(),
    ),
    unique_by=lambda candidate: candidate.id,
    max_size=30,
)


@settings(max_examples=150, deadline=None)
@given(candidates=CANDIDATES, draw=st.randoms(use_true_random=False), total=st.integers(1, 6), topic=st.integers(1, 4))
def test_limits_hold_every_candidate_has_one_decision_and_order_does_not_matter(
    candidates: list[Candidate], draw: object, total: int, topic: int
) -> None:
    rules = replace(RULES, max_articles=total, max_per_topic=topic)
    reader = Reader(frozenset({"a", "b"}), coverage=5, owed={1: 1, 2: 9, 3: 2}, had=frozenset({4}))
    selection = select(candidates, rules, reader, cutoff=20)
    shuffled = list(candidates)
    draw.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis' random is one
    assert select(shuffled, rules, reader, cutoff=20) == selection
    assert sorted(decision.article for decision in selection.decisions) == sorted(c.id for c in candidates)
    assert len(selection.chosen) <= total
    for one in ("a", "b"):
        assert sum(decision.topic == one for decision in selection.chosen) <= topic
    assert all(decision.reason in CHOSEN for decision in selection.chosen)
    if selection.over_the_limit:
        assert len(selection.chosen) == total or any(sum(d.topic == t for d in selection.chosen) == topic for t in ("a", "b"))


def test_the_lead_is_the_first_featured_one_and_stands_in_no_section() -> None:
    candidates = (replace(PLAIN, id=1), replace(PLAIN, id=2, topics=("b",), featured=True), replace(PLAIN, id=3, topics=("b",)))
    selection = select(candidates, RULES, READER, cutoff=20)
    arrangement = arrange(selection, frozen(candidates))
    assert (arrangement.lead, arrangement.sections) == (2, (("a", (1,)), ("b", (3,))))
    assert arrange(Selection(()), frozen(candidates)).articles == ()


def frozen(candidates: tuple[Candidate, ...]) -> Frozen:
    site = SiteContent("N", "https://n.example", "https://n.example", "1 Street", None, "#0b6e6e")
    sender = SenderContent("N", "n@n.example", None)
    content = IssueContent("weekly", "W", 5, NOW.date(), "en", "S", site, sender, (), ())
    return Frozen(content, RULES, candidates, 0, False, "weekly", "", "UTC")


def test_what_was_frozen_is_read_back_as_it_was() -> None:
    rules = replace(RULES, lookback=timedelta(days=3), pinned=(2, 1), excluded=(9,))
    others = (Wording("de", "Betreff", {"python": "Schlangen"}),)
    made = replace(frozen((PLAIN, replace(PLAIN, id=2, published_at=None))), rules=rules, others=others)
    assert Frozen.from_json(made.to_json()) == made


def test_what_was_frozen_before_links_were_marked_has_links_without_marks() -> None:
    made = frozen((PLAIN,))
    kept = made.to_json()
    del kept["content"]["utm"]
    assert Frozen.from_json(kept) == made


def test_what_was_frozen_before_there_were_orders_languages_authors_or_stories_is_read_as_without() -> None:
    made = frozen((replace(PLAIN, id=2), PLAIN))
    kept = made.to_json()
    del kept["others"]
    for name in ("order", "languages", "max_per_author", "topics_take_turns"):
        del kept["rules"][name]
    for candidate in kept["candidates"]:
        for name in ("clicks", "popularity", "language", "author", "story"):
            del candidate[name]
    assert Frozen.from_json(kept) == made


@given(owed=st.dictionaries(st.integers(1, 999), st.integers(1, 99)))
def test_owed_sets_have_one_spelling_and_grow_older_with_each_issue(owed: dict[int, int]) -> None:
    assert parse_owed(format_owed(owed)) == owed
    assert older(owed, [*owed, 1000]) == {article: age + 1 for article, age in owed.items()} | {1000: 1}


def test_nothing_leaves_an_end_and_everything_can_be_reached() -> None:
    ends = {IssueState.SENT, IssueState.SKIPPED, IssueState.CANCELLED}
    assert {state for state, steps in STEPS.items() if not steps} == ends
    assert {state for steps in STEPS.values() for state in steps} == set(IssueState)

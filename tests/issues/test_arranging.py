"""What stands where, and what takes the place of what is gone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from digest.issues.arranging import arrange, without
from digest.issues.selection import Candidate, Reader, Selection, select
from digest.rendering.content import Arrangement
from tests.issues.test_selection import CANDIDATES, NOW, PLAIN, RULES, frozen

FIRST = replace(PLAIN, id=1, featured=True, published_at=NOW - timedelta(days=9))
NEWER = replace(PLAIN, id=2, featured=True, topics=("b",))
PINNED = replace(PLAIN, id=3, topics=("b",), published_at=None)
DULL = replace(PLAIN, id=4, topics=("c",))


@settings(max_examples=200, deadline=None)
@given(
    candidates=CANDIDATES,
    gone=st.sets(st.integers(1, 40)),
    pinned=st.lists(st.integers(1, 40), max_size=3, unique=True),
)
def test_an_arrangement_without_articles_is_that_of_the_selection_without_them(
    candidates: list[Candidate], gone: set[int], pinned: list[int]
) -> None:
    rules = replace(RULES, pinned=tuple(pinned))
    known = replace(frozen(tuple(candidates)), rules=rules)
    selection = select(candidates, rules, Reader(frozenset("abc"), 0, {}), cutoff=20)
    left = Selection(tuple(one for one in selection.decisions if one.article not in gone))
    assert without(arrange(selection, known), gone, known) == arrange(left, known)


def test_where_the_lead_goes_the_one_pinned_first_leads_or_else_the_newest_that_may() -> None:
    known = frozen((FIRST, NEWER, PINNED, DULL))
    whole = Arrangement(9, (("a", (1,)), ("b", (2, 3)), ("c", (4,))))
    assert without(whole, {9}, known) == Arrangement(2, (("a", (1,)), ("b", (3,)), ("c", (4,))))
    pins = replace(known, rules=replace(RULES, pinned=(3,)))
    assert without(Arrangement(9, (("a", (1,)), ("b", (3, 2)))), {9}, pins).lead == 3
    assert without(whole, {9, 1, 2}, known) == Arrangement(None, (("b", (3,)), ("c", (4,))))


def test_a_section_of_which_nothing_is_left_is_not_there() -> None:
    known = frozen((FIRST, NEWER, PINNED, DULL))
    assert without(Arrangement(1, (("b", (2, 3)), ("c", (4,)))), {4}, known) == Arrangement(1, (("b", (2, 3)),))
    assert without(Arrangement(1, (("c", (4,)),)), {4, 1}, known).articles == ()

"""What an editor fixes and leaves out of one issue."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.issues.changing import Change, Standing, What, changed, said
from digest.issues.editing import Edits
from digest.rendering.content import NoteContent, RewritingContent, SponsorContent


@pytest.mark.parametrize(
    ("before", "does", "articles", "after"),
    [
        (Edits(), "pin", [2, 1], Edits((2, 1))),
        (Edits((2,)), "pin", [3, 2], Edits((2, 3))),
        (Edits((), (1,)), "pin", [1], Edits((1,))),
        (Edits((1, 2)), "exclude", [1], Edits((2,), (1,))),
        (Edits((), (1,)), "exclude", [1, 2], Edits((), (1, 2))),
        (Edits((1, 2), (3,)), "put_back", [1, 3, 9], Edits((2,))),
        (Edits((1,), (2,)), "pin", [], Edits((1,), (2,))),
    ],
)
def test_an_article_is_pinned_or_left_out_or_neither(before: Edits, does: str, articles: list[int], after: Edits) -> None:
    assert getattr(before, does)(articles) == after


@given(many=st.integers(1, 7), pinned=st.integers(0, 7), data=st.data())
def test_a_moved_article_stands_where_it_was_moved_to_and_every_other_one_as_it_did(
    many: int, pinned: int, data: st.DataObject
) -> None:
    section = data.draw(st.permutations(range(1, many + 1)))
    others = data.draw(st.permutations([100, 101]))
    lead = data.draw(st.sampled_from([None, section[0], 100]))
    before = Edits((*((100,) if lead == 100 else ()), *section[:pinned], *(one for one in others if lead != 100 or one != 100)))
    article, place = data.draw(st.sampled_from(section)), data.draw(st.integers(0, many - 1))
    after = before.place(section, lead, article, place)
    rest = [one for one in section if one != article]
    assert _in_order(section, after) == [*rest[:place], article, *rest[place:]]
    assert _in_order(others, after) == _in_order(others, before)
    if lead == 100:
        assert after.pinned[0] == 100


def _in_order(section: list[int], edits: Edits) -> list[int]:
    """How selection orders them: the pinned ones first, as they are pinned."""
    return sorted(section, key=lambda one: edits.pinned.index(one) if one in edits.pinned else len(edits.pinned))


@pytest.mark.parametrize(
    ("change", "after", "words"),
    [
        (Change(What.PIN, 1), Edits((1,)), "pinned “A”"),
        (Change(What.EXCLUDE, 1), Edits((), (1,)), "left out “A”"),
        (Change(What.PLACE, 2, 0), Edits((2,)), "moved “A”"),
        (Change(What.REWRITE, 1, texts={"title": "B"}), Edits(rewritten=(RewritingContent(1, "B"),)), "rewrote “A”"),
        (Change(What.REWRITE, 1, texts={"title": ""}), Edits(), "gave “A” its own words again"),
        (Change(What.NOTE, texts={"note": "Hi"}), Edits(note=NoteContent("Hi")), "wrote a note above the articles"),
        (Change(What.NOTE, texts={"note": ""}), Edits(), "took the note out"),
        (
            Change(What.SPONSOR, texts={"title": "X", "url": "https://x.example"}),
            Edits(sponsor=SponsorContent("X", "https://x.example")),
            "named the sponsor “X”",
        ),
        (Change(What.SPONSOR, texts={"title": "", "text": "left"}), Edits(), "took the sponsor out"),
        (Change(What.SUBJECT, texts={"subject": "S"}), Edits(subject="S"), "wrote the subject or the preheader"),
        (Change(What.RESTORE, edits=Edits((7,)), revision=3), Edits((7,)), "went back to revision 3"),
    ],
)
def test_a_change_says_what_it_does_and_does_it(change: Change, after: Edits, words: str) -> None:
    assert changed(Edits(), change, Standing(None, {1: [1, 2], 2: [1, 2]})) == after
    assert said(change, "A") == words

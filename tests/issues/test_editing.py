"""What an editor fixes and leaves out of one issue."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.issues.candidates import put_under
from digest.issues.changing import Change, Standing, What, changed, said
from digest.issues.editing import Edits
from digest.issues.selection import Candidate
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
        (
            Change(What.PICTURE, 1, texts={"image": "https://p.example/b.jpg", "image_alt": "B"}),
            Edits(rewritten=(RewritingContent(1, image="https://p.example/b.jpg", image_alt="B"),)),
            "gave “A” another picture",
        ),
        (Change(What.PICTURE, 1, texts={"image": ""}), Edits(), "gave “A” its own picture again"),
        (
            Change(What.TAKE_IN, 9, texts={"topic": "python"}),
            Edits((9,), taken_in=((9, "python"),)),
            "took “A” in by hand, under python",
        ),
        (Change(What.NOTE, texts={"note": "Hi"}), Edits(note=NoteContent("Hi")), "wrote a note above the articles"),
        (Change(What.NOTE, texts={"note": ""}), Edits(), "took the note out"),
        (
            Change(What.SPONSOR, texts={"title": "X", "url": "https://x.example"}),
            Edits(sponsor=SponsorContent("X", "https://x.example")),
            "named the sponsor “X”",
        ),
        (Change(What.SPONSOR, texts={"title": "", "text": "left"}), Edits(), "took the sponsor out"),
        (Change(What.SUBJECT, texts={"subject": "S"}), Edits(subject="S"), "wrote the subject or the preheader"),
        (
            Change(What.SUBJECT, texts={"subject": "S", "second": " S", "third": "T"}),
            Edits(subject="S", alternatives=("T",)),
            "wrote the subject or the preheader",
        ),
        (Change(What.RESTORE, edits=Edits((7,)), revision=3), Edits((7,)), "went back to revision 3"),
    ],
)
def test_a_change_says_what_it_does_and_does_it(change: Change, after: Edits, words: str) -> None:
    assert changed(Edits(), change, Standing(None, {1: [1, 2], 2: [1, 2]})) == after
    assert said(change, "A") == words


def test_words_and_picture_of_an_article_are_kept_apart() -> None:
    edits = Edits().say(1, "B", "").picture(1, "https://p.example/b.jpg", "").picture(2, "", "Words")
    assert edits.say(1, "", "").rewritten == (
        RewritingContent(2, image_alt="Words"),
        RewritingContent(1, image="https://p.example/b.jpg"),
    )
    assert edits.picture(1, "", "").picture(2, "", "").rewritten == (RewritingContent(1, "B"),)


def test_what_was_taken_in_keeps_its_topic_until_it_is_left_to_the_rules() -> None:
    edits = Edits((1,)).take_in(9, "python").take_in(9, "databases")
    assert (edits.pinned, edits.taken_in) == ((1, 9), ((9, "databases"),))
    assert edits.exclude([9]).pin([9]).taken_in == ((9, "databases"),)
    assert edits.put_back([9]) == Edits((1,))


def test_candidates_stand_first_under_the_topic_that_an_editor_said() -> None:
    both, none = (Candidate(number, number, topics, None) for number, topics in ((1, ("python", "databases")), (2, ())))
    said = put_under((both, none), ((1, "databases"), (2, "python"), (3, "python")), ("python", "databases"))
    assert [one.topics for one in said] == [("databases", "python"), ("python",)]
    assert put_under((both, none), ((2, "gone"),), ("python",)) == (both, none)

"""What becomes of a rendition that mail programs would clip (case 20)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from digest.rendering.assemble import assemble, fill
from digest.rendering.blocks import Blocks
from digest.rendering.content import Arrangement, IssueContent
from digest.rendering.context import clean_article
from digest.rendering.degrading import (
    CLIPPED_AT,
    MORE_ARTICLE,
    MORE_SLUG,
    Degraded,
    Form,
    account,
    excerpt,
    headline,
    more_article,
    more_section,
    thinned,
    weigh,
)
from digest.rendering.render import render_blocks, render_direct
from digest.rendering.rendition import Rendition

from .sample import ARRANGEMENT, CONTENT, PERSONAL, article, shipped


def issue(many: int, words: int) -> tuple[IssueContent, Arrangement]:
    """So many articles under two topics, with summaries of so many words."""
    articles = tuple(article(number, f"Title {number}", "word " * words) for number in range(1, many + 1))
    half = 1 + many // 2
    parts = (("databases", tuple(range(2, half + 1))), ("reliability", tuple(range(half + 1, many + 1))))
    return replace(CONTENT, articles=articles), Arrangement(1, parts)


def rendition(content: IssueContent, arrangement: Arrangement) -> Rendition:
    blocks = Blocks.from_bytes(render_blocks(shipped(), content).to_bytes())
    return assemble(blocks, arrangement, issue="weekly/12", number=1, content=content)


def degraded(many: int, words: int) -> Degraded:
    found = rendition(*issue(many, words)).degraded
    assert found is not None
    return found


def test_what_fits_is_whole_and_stores_no_other_form() -> None:
    content, arrangement = issue(12, 30)
    assert rendition(content, arrangement).degraded is None
    assert b"title_cards" not in render_blocks(shipped(), content).to_bytes()


def test_excerpts_are_cut_before_anything_else() -> None:
    found = degraded(20, 600)
    assert (found.form, found.on_the_web) == (Form.EXCERPTS, ())
    assert found.size < CLIPPED_AT <= found.whole


def test_then_only_titles_are_left() -> None:
    assert degraded(38, 600).form is Form.TITLES


def test_case_20_fifty_articles_fit_and_the_rest_of_them_stands_on_the_web() -> None:
    found = rendition(*issue(50, 60))
    assert found.degraded is not None
    assert found.degraded.form is Form.WEB
    html, text = fill(found, PERSONAL)
    assert len(html.encode()) < CLIPPED_AT
    for body in (html, text):
        assert "More on the web" in body
        assert "https://digest.example.org/archive/weekly/12" in body
    gone = found.degraded.on_the_web
    assert gone
    assert not [one for one in gone if f"articles/{one}\n" in text]
    assert len([one for one in range(1, 51) if f"articles/{one}\n" in text]) == 50 - len(gone)


@pytest.mark.parametrize(("many", "words"), [(20, 600), (38, 600), (50, 60)])
def test_a_degraded_mail_equals_a_direct_rendering_of_what_it_shows(many: int, words: int) -> None:
    content, arrangement = issue(many, words)
    found = rendition(content, arrangement)
    assert found.degraded is not None
    form = excerpt if found.degraded.form is Form.EXCERPTS else headline
    shown = thinned(arrangement, len(found.degraded.on_the_web)) if found.degraded.on_the_web else arrangement
    said = shipped().words(content.language)
    articles = (*(form(clean_article(one)) for one in content.articles), more_article(content, said))
    bare = replace(content, articles=articles, sections=(*content.sections, more_section(said)))
    assert fill(found, PERSONAL) == render_direct(shipped(), bare, shown, PERSONAL)


@pytest.mark.parametrize("character", ["x", "題", "\U0001f600", '"'])
def test_what_was_made_to_fit_fits_whatever_the_preheader_is_written_in(character: str) -> None:
    """A form that is chosen because it fits must fit for the check of the size too, or the issue could never go out."""
    articles = tuple(article(number, f"{character * 100} {number}", "word " * 60) for number in range(1, 51))
    content = replace(CONTENT, articles=articles)
    blocks = render_blocks(shipped(), content)
    for pad in range(0, 1200, 40):  # the bytes that are left over change with it
        closing = replace(blocks.closing.html, literals=(*blocks.closing.html.literals[:-1], "x" * pad))
        padded = replace(blocks, closing=replace(blocks.closing, html=closing))
        made = assemble(padded, Arrangement(1, (("databases", tuple(range(2, 51))),)), issue="w/1", number=1, content=content)
        assert made.degraded is not None
        assert weigh([made.html]) <= made.degraded.size < CLIPPED_AT


def test_the_part_that_fits_is_whole_beside_one_that_does_not() -> None:
    content, _ = issue(50, 60)
    assert rendition(content, Arrangement(None, (("databases", (2, 3)),))).degraded is None


def test_a_single_article_that_is_too_large_goes_out_as_small_as_it_can_be() -> None:
    content = replace(CONTENT, articles=(article(1, "T" * CLIPPED_AT),))
    found = rendition(content, Arrangement(1, ())).degraded
    assert found is not None
    assert (found.form, found.on_the_web) == (Form.TITLES, ())
    assert found.size > CLIPPED_AT


def test_blocks_of_before_there_were_degraded_forms_make_what_they_made() -> None:
    content, arrangement = issue(50, 60)
    blocks = render_blocks(shipped(), content)
    sections = {slug: block for slug, block in blocks.sections.items() if slug != MORE_SLUG}
    old = replace(blocks, sections=sections, short_leads={}, short_cards={}, title_leads={}, title_cards={})
    stored = Blocks.from_bytes(old.to_bytes())
    made = assemble(stored, arrangement, issue="weekly/12", number=1, content=content)
    assert made.degraded is None
    assert fill(made, PERSONAL) == render_direct(shipped(), content, arrangement, PERSONAL)


def test_what_goes_to_the_web_comes_from_the_longest_section_and_none_vanishes_before_the_others() -> None:
    more = ("", (MORE_ARTICLE,))
    assert thinned(ARRANGEMENT, 2) == Arrangement(1, (("databases", (2, 3)), ("reliability", (4,)), more))
    assert thinned(ARRANGEMENT, 3) == Arrangement(1, (("databases", (2,)), ("reliability", (4,)), more))
    assert thinned(ARRANGEMENT, 5) == Arrangement(1, (more,))


def test_an_excerpt_ends_at_a_word() -> None:
    assert excerpt(article(1, "T", "word " * 40)).summary == "word " * 23 + "word…"
    assert excerpt(article(1, "T", "Short.")).summary == "Short."


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (Degraded(Form.EXCERPTS, 120_000, 90_000), "whole it would have 120,000 bytes: its excerpts were cut"),
        (
            Degraded(Form.WEB, 120_000, 90_000, (4,)),
            "whole it would have 120,000 bytes: only titles were left, and 1 article stands on the web alone",
        ),
        (
            Degraded(Form.WEB, 120_000, 90_000, (4, 5)),
            "whole it would have 120,000 bytes: only titles were left, and 2 articles stand on the web alone",
        ),
    ],
)
def test_it_says_what_was_done(one: Degraded, said: str) -> None:
    assert str(one) == said


def test_many_are_told_in_one_line() -> None:
    one = [Degraded(Form.EXCERPTS, 120_000, 90_000)]
    assert account(one) == "1 rendition was too large for mail programs: excerpts were cut in 1"
    several = [*one, Degraded(Form.TITLES, 150_000, 90_000), *(Degraded(Form.WEB, 200_000, 99_000, (1,) * n) for n in (3, 1))]
    assert account(several) == (
        "4 renditions were too large for mail programs: excerpts were cut in 1, only titles were left in 1,"
        " up to 3 articles stand on the web alone in 2"
    )

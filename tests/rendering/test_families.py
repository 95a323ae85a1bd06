"""What holds for every family of templates that ships."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.rendering.assemble import assemble, fill
from digest.rendering.blocks import Blocks
from digest.rendering.columns import columns
from digest.rendering.content import Arrangement, ArticleContent, IssueContent, NoteContent, Personal, SponsorContent
from digest.rendering.render import render_blocks, render_direct
from digest.rendering.templates import load_template

from .judges import as_outlook_reads
from .mails import FAMILIES, SCENES, THEME, issue_mail, mail_of, themed_mail
from .sample import ARTICLES, CONTENT, SHIPPED, issues, personals, texts

_VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}
above = st.tuples(
    st.none() | st.builds(NoteContent, texts | st.text(max_size=60)),
    st.none() | st.builds(SponsorContent, texts, texts | st.just("https://a.example/?x=1&y=2"), texts, st.none() | texts),
)


class Balance(HTMLParser):
    """Raises where a tag is closed that is not the one that was opened last."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag


def balanced(html: str) -> None:
    parser = Balance()
    parser.feed(html)
    parser.close()
    assert parser.open == []


@pytest.mark.parametrize("family", FAMILIES)
@settings(max_examples=40, deadline=None, derandomize=True, print_blob=True)
@given(issues(), personals, above, st.booleans())
def test_an_assembled_mail_equals_a_direct_rendering_byte_for_byte(
    family: str,
    issue: tuple[IssueContent, Arrangement],
    personal: Personal,
    above: tuple[NoteContent | None, SponsorContent | None],
    themed: bool,
) -> None:
    content = replace(issue[0], note=above[0], sponsor=above[1], theme=THEME if themed else None)
    template = load_template(family, [SHIPPED])
    stored = Blocks.from_bytes(render_blocks(template, content).to_bytes())
    assembled = fill(assemble(stored, issue[1], issue="weekly/1", number=1, content=content), personal)
    assert assembled == render_direct(template, content, issue[1], personal)
    balanced(assembled[0])
    balanced(as_outlook_reads(assembled[0]))


@pytest.mark.parametrize("slug", SCENES)
@pytest.mark.parametrize("family", FAMILIES)
def test_plain_text_says_the_same_in_the_same_order_within_seventy_two_columns(family: str, slug: str) -> None:
    html, text = issue_mail(family, slug)
    flat = "".join(text.split())
    titles = re.findall(r'<h[23][^>]*><a href="([^"]*)">', html)
    places = [text.rindex(f"\n{address}\n") for address in titles]
    assert places == sorted(places)
    for article in SCENES[slug].content.articles:
        assert "".join(article.title.split()) in flat
    for line in text.splitlines():
        assert columns(line) <= 72 or " " not in line.strip().removeprefix("- ")


@pytest.mark.parametrize("family", FAMILIES)
def test_a_sponsor_with_a_long_title_stays_within_the_columns_too(family: str) -> None:
    paid = replace(CONTENT, sponsor=SponsorContent("Deploy on Fridays again " * 8, "https://a.example"))
    _, text = mail_of(family, paid, replace(SCENES["en"], content=paid))
    assert max(columns(line) for line in text.splitlines()) <= 72


@pytest.mark.parametrize("family", FAMILIES)
def test_twelve_articles_stay_well_under_where_gmail_clips(family: str) -> None:
    whole = replace(SCENES["en"].content, articles=tuple(_twelve()), theme=THEME)
    html, _ = mail_of(family, whole, replace(SCENES["en"], content=whole))
    assert html.count('<p class="summary"') == 12  # nothing was left out of it
    assert len(html.encode()) < 90_000


def _twelve() -> list[ArticleContent]:
    summary = (
        "A summary of usual length, which says in two lines what an article is about, and why one would want to read it now. " * 2
    )
    also = ARTICLES[0]
    return [replace(also, id=number, title=f"{also.title} {number}", summary=summary) for number in range(1, 13)]


@pytest.mark.parametrize("family", FAMILIES)
def test_no_style_sheet_is_so_long_that_gmail_drops_it(family: str) -> None:
    for html in (themed_mail(family), issue_mail(family, "ar")[0]):
        sheets = [len(sheet) for sheet in re.findall(r"<style[^>]*>(.*?)</style>", html, re.DOTALL)]
        assert max(sheets) > 2_000  # that of head.mjml is among them
        assert max(sheets) < 8_192
        assert sum(sheets) < 16_384


@pytest.mark.parametrize("family", FAMILIES)
def test_every_mail_names_its_language_and_direction_and_its_tables_are_for_looks(family: str) -> None:
    for slug, direction in (("en", "ltr"), ("ar", "rtl"), ("ja", "ltr")):
        html = issue_mail(family, slug)[0]
        assert f'<html lang="{slug}" dir="{direction}"' in html
        assert f'role="article" lang="{slug}" dir="{direction}"' in html
        for table in re.findall(r"<table\b[^>]*>", as_outlook_reads(html)):
            assert 'role="presentation"' in table


@pytest.mark.parametrize("family", FAMILIES)
def test_what_stands_above_the_articles_is_in_both_parts_and_what_is_paid_for_says_so(family: str) -> None:
    html, text = issue_mail(family, "en")
    assert "From the editor" in html
    assert '<a href="https://backend.example/2">an index</a>' in html
    assert "Sponsored" in html
    assert 'rel="sponsored"' in html
    assert "From the editor:\n\nThis week is about waiting" in text
    assert "Sponsored: Deploy on Fridays again" in text
    assert "From the editor" not in issue_mail(family, "one")[0] + issue_mail(family, "one")[1]


@pytest.mark.parametrize("family", FAMILIES)
def test_a_sponsors_link_is_marked_and_the_links_of_a_note_are_not(family: str) -> None:
    content = replace(
        CONTENT,
        note=NoteContent("<https://note.example/>"),
        sponsor=SponsorContent("Sponsor", "https://paid.example/?utm_source=theirs"),
        utm=(("utm_source", "ours"), ("utm_medium", "email")),
    )
    for part in mail_of(family, content, replace(SCENES["en"], content=content)):
        assert "https://paid.example/?utm_source=theirs&" in part
        assert "utm_source=theirs&utm_medium=email" in part.replace("&amp;", "&")
        assert "https://note.example/?" not in part


def test_a_note_changes_what_an_approval_signs() -> None:
    template = load_template("weekly", [SHIPPED])
    noted = render_blocks(template, replace(CONTENT, note=NoteContent("Hello")))
    assert noted.to_bytes() != render_blocks(template, CONTENT).to_bytes()
    assert noted.cards == render_blocks(template, CONTENT).cards

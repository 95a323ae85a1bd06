from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import escape

from digest.audience.links import leave_topic_url
from digest.rendering.assemble import assemble, fill, preheader_of
from digest.rendering.blocks import Blocks
from digest.rendering.content import Arrangement, IssueContent, Personal
from digest.rendering.render import render_blocks, render_direct
from digest.rendering.rendition import Rendition, Slotted

from .sample import ARRANGEMENT, CONTENT, PERSONAL, issues, personals, shipped

GOLDEN = Path(__file__).parent / "golden"


def rendition(content: IssueContent = CONTENT, arrangement: Arrangement = ARRANGEMENT) -> Rendition:
    return assemble(render_blocks(shipped(), content), arrangement, issue="weekly/12", number=1, content=content)


@settings(max_examples=120, deadline=None, derandomize=True, print_blob=True)
@given(issues(), personals, st.one_of(st.just(""), st.text(max_size=80)))
def test_an_assembled_mail_equals_a_direct_rendering_byte_for_byte(
    issue: tuple[IssueContent, Arrangement], personal: Personal, preheader: str
) -> None:
    content, arrangement = issue
    content = replace(content, own_preheader=preheader)
    stored = Blocks.from_bytes(render_blocks(shipped(), content).to_bytes())
    assembled = fill(assemble(stored, arrangement, issue="weekly/1", number=1, content=content), personal)
    assert assembled == render_direct(shipped(), content, arrangement, personal)


@settings(max_examples=60, deadline=None, derandomize=True, print_blob=True)
@given(issues(), personals)
def test_without_what_was_withdrawn_it_equals_a_direct_rendering_that_names_no_other_places(
    issue: tuple[IssueContent, Arrangement], personal: Personal
) -> None:
    content, arrangement = issue
    gone = {91, 92}
    blocks = render_blocks(shipped(), content)
    made = assemble(blocks, arrangement, issue="weekly/1", number=1, content=content, withdrawn=gone)
    left = (replace(one, also=()) if any(other.id in gone for other in one.also) else one for one in content.articles)
    assert fill(made, personal) == render_direct(shipped(), replace(content, articles=tuple(left)), arrangement, personal)


@pytest.mark.parametrize(("form", "suffix"), [(0, "html"), (1, "txt")])
def test_the_sample_mail_is_the_reviewed_one(form: int, suffix: str) -> None:
    mail = fill(rendition(), PERSONAL)[form]
    golden = GOLDEN / f"sample.{suffix}"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_text(mail, "utf-8")
    assert mail == golden.read_text("utf-8")


def test_personal_values_are_escaped_in_html_and_raw_in_text() -> None:
    html, text = fill(
        rendition(), Personal("<b>Hi</b> & 'co'", "a&b@example.net", "https://x.example/p?a=1&b=2", "https://x.example/u")
    )
    assert "&lt;b&gt;Hi&lt;/b&gt; &amp; &#39;co&#39;" in html
    assert 'href="https://x.example/p?a=1&amp;b=2"' in html
    assert "<b>Hi</b> & 'co'" in text
    assert "\nhttps://x.example/p?a=1&b=2\n" in text


def test_a_rendition_has_the_articles_of_its_arrangement_in_reading_order() -> None:
    html, text = fill(rendition(arrangement=Arrangement(None, (("reliability", (3,)), ("databases", (2,))))), PERSONAL)
    for mail in (html[html.index("<h1") :], text):
        places = [mail.index(words) for words in ("Reliability", "What EXPLAIN", "Databases", "One partial index")]
        assert places == sorted(places)
        assert "The queue that ate" not in mail


def test_a_rendition_knows_its_list_and_subject() -> None:
    assert rendition().list_id == "weekly.news.example.org"
    assert rendition().subject == CONTENT.subject
    topics = ("unsubscribe_url",) * len(ARRANGEMENT.sections)
    assert rendition().html.slots == ("greeting", *topics, "email", "preferences_url", "unsubscribe_url")


def test_the_mail_leads_to_itself_on_the_web_and_out_of_each_topic() -> None:
    html, text = fill(rendition(), PERSONAL)
    topics = [leave_topic_url(PERSONAL.unsubscribe_url, slug) for slug, _ in ARRANGEMENT.sections]
    for url in (CONTENT.web_url, *topics):
        assert f'href="{escape(url)}"' in html
        assert f"\n{url}\n" in text


def test_the_preheader_is_of_the_first_titles_and_escaped_in_html() -> None:
    html = rendition(arrangement=Arrangement(4, (("databases", (3, 2)),))).html.literals[0]
    assert (
        ">Retries are load {{ 7*7 }} · What EXPLAIN does not tell you · One partial index, eight hundred times faster&#847;"
        in html
    )


def test_a_long_preheader_is_cut_at_a_word() -> None:
    assert preheader_of(["aaaa bbbb cccc"], length=14) == "aaaa bbbb cccc"
    assert preheader_of(["aaaa bbbb cccc"], length=13) == "aaaa bbbb…"
    assert preheader_of(["aaaa", "bbbb"], length=8) == "aaaa…"
    assert preheader_of(["aaaaaaaaaaaaaa"], length=5) == "aaaa…"
    assert preheader_of(["", "aaaa"]) == "aaaa"
    assert preheader_of([]) == ""


def test_twelve_articles_stay_under_the_size_where_gmail_clips() -> None:
    one = max(len(block.html.fill({}).encode()) for block in render_blocks(shipped(), CONTENT).cards.values())
    whole = fill(rendition(), PERSONAL)[0]
    assert len(whole.encode()) + 7 * one < 60_000


def test_text_keeps_to_seventy_two_columns_addresses_aside() -> None:
    lines = fill(rendition(), PERSONAL)[1].splitlines()
    assert [line for line in lines if len(line) > 72 and not line.startswith("https://")] == []


def test_no_picture_is_there_but_those_of_the_articles_and_the_logo() -> None:
    logo = "https://engineering.example.org/logo.png"
    content = replace(CONTENT, site=replace(CONTENT.site, logo=logo))
    html = fill(rendition(content), PERSONAL)[0]
    pictures = set(re.findall(r"<img\b[^>]*?\bsrc=\"([^\"]*)\"", html))
    assert pictures == {logo, *(one.image for one in content.articles if one.image)}
    assert not re.findall(r"url\(|background=\"http", html)


def test_slotted_text_is_filled_in_order() -> None:
    assert Slotted(("a", "b", "c"), ("x", "y")).fill({"x": "1", "y": "2"}) == "a1b2c"

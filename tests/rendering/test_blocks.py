from __future__ import annotations

from dataclasses import make_dataclass, replace
from typing import Any

import orjson
import pytest
from hypothesis import given, settings

from digest.errors import TemplateError
from digest.rendering.blocks import Blocks, content_hash
from digest.rendering.content import AlsoContent, Arrangement, IssueContent, NoteContent
from digest.rendering.memory import forget
from digest.rendering.render import render_blocks

from .sample import CONTENT, TEXT, article, issues, shipped, template


@settings(max_examples=25, deadline=None, derandomize=True, print_blob=True)
@given(issues())
def test_blocks_come_back_from_their_bytes_and_make_the_same_bytes_again(issue: tuple[IssueContent, Arrangement]) -> None:
    blocks = render_blocks(shipped(), issue[0])
    stored = blocks.to_bytes()
    assert Blocks.from_bytes(stored) == blocks
    assert Blocks.from_bytes(stored).to_bytes() == stored


def test_rendering_twice_makes_the_same_bytes() -> None:
    assert render_blocks(shipped(), CONTENT).to_bytes() == render_blocks(shipped(), CONTENT).to_bytes()


def test_personal_values_and_the_preheader_stay_slots() -> None:
    blocks = render_blocks(shipped(), CONTENT)
    assert blocks.opening.html.slots == ("preheader", "greeting")
    assert blocks.opening.text.slots == ("greeting",)
    assert blocks.closing.html.slots == ("email", "preferences_url", "unsubscribe_url")
    assert blocks.closing.text.slots == ("email", "preferences_url", "unsubscribe_url")


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("{{ article.published_on | date }}", "line 6: 'date' writes a date, and None is none"),
        ("{{ article.title | date }}", "line 6: 'date' writes a date, and 'Short' is none"),
        ("{{ article.title | truncate(article.title | length - 3) }}", "expected length >= 3, got 2"),
    ],
)
def test_what_an_article_lacks_is_an_error_of_the_template_and_never_todays_date(written: str, said: str) -> None:
    short = article(1, "Short")
    content = replace(CONTENT, articles=(replace(short, published_on=None),))
    text = TEXT.replace("lead %}\n", "lead %}\n\n\n\n").replace("{{ article.title }}", written)
    with pytest.raises(TemplateError) as raised:
        render_blocks(template(text=text), content)
    assert said in str(raised.value)
    assert str(raised.value).startswith("templates/mine.txt, line ")


def test_jinja_in_an_article_comes_out_literally() -> None:
    content = replace(CONTENT, articles=(article(1, "{{ 7*7 }}", "{% for %} {{ greeting }} {# x #}"),))
    card = render_blocks(shipped(), content).cards[1]
    assert "{{ 7*7 }}" in card.html.literals[0]
    assert "{% for %} {{ greeting }} {# x #}" in card.html.literals[0]
    assert card.text.literals[0].startswith("{{ 7*7 }}\n{% for %} {{ greeting }} {# x #}\n")


def test_markup_in_an_article_is_escaped() -> None:
    content = replace(CONTENT, articles=(article(1, "<script>alert(1)</script>", '"><img src=x>', image_alt='" onload="x'),))
    html = render_blocks(shipped(), content).cards[1].html.literals[0]
    assert "<script" not in html
    assert "<img src=x" not in html
    assert 'onload="' not in html


def test_other_places_of_a_story_are_links_in_both_forms_and_escaped() -> None:
    also = (
        AlsoContent(8, "https://one.example/a?b=1&c=2", "one.example"),
        AlsoContent(9, "https://two.example/x", "<b>two</b>"),
        AlsoContent(10, "javascript:alert(1)", "three.example"),
    )
    blocks = render_blocks(shipped(), replace(CONTENT, articles=(replace(article(1, "A"), also=also),)))
    for block in (blocks.cards[1], blocks.leads[1]):
        html, text = block.html.literals[0], block.text.literals[0]
        assert 'Also at <a href="https://one.example/a?b=1&amp;c=2"' in html
        assert "&lt;b&gt;two&lt;/b&gt;" in html
        assert "Also at one.example\nhttps://one.example/a?b=1&c=2\n" in text
        assert "javascript" not in html + text
    for lone in (blocks.lone_cards[1], blocks.lone_leads[1]):
        assert "Also at" not in lone.html.literals[0] + lone.text.literals[0]


def test_an_issue_without_such_stories_has_the_bytes_that_it_had_before_there_were_any() -> None:
    blocks = render_blocks(shipped(), CONTENT)
    fields = ["language", "opening", "leads", "sections", "cards", "closing", "titles"]
    before = make_dataclass("Blocks", fields)(*(getattr(blocks, name) for name in fields))
    assert blocks.to_bytes() == orjson.dumps(before, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)


def test_a_link_that_is_not_http_goes_nowhere() -> None:
    content = replace(CONTENT, articles=(replace(article(1, "A", image="data:image/png;base64,x"), url="javascript:alert(1)"),))
    html = render_blocks(shipped(), content).leads[1].html.literals[0]
    assert "javascript:" not in html
    assert "data:" not in html


@given(content=issues(), other=issues())
def test_what_is_remembered_is_what_would_be_rendered(
    content: tuple[IssueContent, Arrangement], other: tuple[IssueContent, Arrangement]
) -> None:
    """Each rendered anew, and each after the other, which has articles of the same numbers."""
    anew = []
    for one, _ in (content, other):
        forget()
        anew.append(render_blocks(shipped(), one).to_bytes())
    assert [render_blocks(shipped(), one).to_bytes() for one, _ in (content, other, content)] == [*anew, anew[0]]


def test_an_edit_of_one_article_renders_that_one_anew_and_the_others_not() -> None:
    """A note changes no article; what is remembered is the very text."""
    forget()
    before = render_blocks(shipped(), CONTENT)
    first, *rest = CONTENT.articles
    edited = replace(CONTENT, articles=(replace(first, title="Another"), *rest), note=NoteContent("Hello"))
    after = render_blocks(shipped(), edited)
    assert "Another" in after.cards[first.id].html.literals[0]
    assert all(after.cards[one.id].html is before.cards[one.id].html for one in rest)
    assert after.opening != before.opening


def test_alternatives_of_the_subject_are_signed_and_are_not_taken_for_a_preheader() -> None:
    blocks = render_blocks(shipped(), CONTENT)
    known: dict[str, Any] = {"subject": "S", "sender": CONTENT.sender, "template_hash": "t"}
    ways: tuple[dict[str, Any], ...] = (
        {},
        {"preheader": "A"},
        {"alternatives": ["A"]},
        {"alternatives": ["A", "B"]},
        {"preheader": "A", "alternatives": ["A"]},
    )
    assert len({content_hash(blocks, **known, **way) for way in ways}) == len(ways)
    assert content_hash(blocks, **known, alternatives=[]) == content_hash(blocks, **known)


def test_the_content_hash_changes_with_everything_a_reader_sees_and_with_nothing_else() -> None:
    blocks = render_blocks(shipped(), CONTENT)
    known = {"subject": "Hello", "sender": CONTENT.sender, "template_hash": shipped().hash}
    signed = content_hash(blocks, subject="Hello", sender=CONTENT.sender, template_hash=shipped().hash)
    assert signed == content_hash(Blocks.from_bytes(blocks.to_bytes()), **known)  # type: ignore[arg-type]  # as above
    others = {
        content_hash(blocks, subject="Hello!", sender=CONTENT.sender, template_hash=shipped().hash),
        content_hash(blocks, subject="Hello", sender=replace(CONTENT.sender, name="Other"), template_hash=shipped().hash),
        content_hash(blocks, subject="Hello", sender=CONTENT.sender, template_hash="other"),
        content_hash(replace(blocks, cards={}), subject="Hello", sender=CONTENT.sender, template_hash=shipped().hash),
    }
    assert len(others | {signed}) == 5


def test_a_failure_while_rendering_names_the_file_and_the_line() -> None:
    broken = template(
        text="\n{{ site.name.nickname.x }}\n{% block lead %}{% endblock %}{% block section %}{% endblock %}{% block card %}{% endblock %}"
    )
    with pytest.raises(TemplateError, match=r"^templates/mine\.txt, line 2: .*nickname"):
        render_blocks(broken, CONTENT)

"""What mjml-python makes worse: each is told, and each is seen in what it compiles."""

from __future__ import annotations

import pytest
from mjml import mjml2html

from digest.rendering.lint import lint
from digest.rendering.mistakes import Mistake
from digest.rendering.source import Source


def template(column: str = "", head: str = "") -> str:
    return (
        f"<mjml><mj-head><mj-title>x</mj-title>\n{head}\n</mj-head>"
        f"<mj-body><mj-section><mj-column>\n{column}\n</mj-column></mj-section></mj-body></mjml>"
    )


def warnings(text: str) -> list[Mistake]:
    found = lint(Source("w.mjml", text))
    assert {mistake.severity for mistake in found} <= {"warning"}
    return found


def compiled(text: str) -> str:
    html: str = mjml2html(text, fonts={})
    return html


def test_a_picture_without_alternative_text() -> None:
    text = template('<mj-image src="s" />')
    assert "alt=" not in compiled(text)
    assert [(one.line, one.tag, one.attribute) for one in warnings(text)] == [(4, "mj-image", "alt")]
    assert warnings(template('<mj-image src="s" alt="" />')) == []


def test_a_default_gives_alternative_text_as_well() -> None:
    text = template('<mj-image src="s" mj-class="a" />', '<mj-attributes><mj-class name="a" alt="x" /></mj-attributes>')
    assert 'alt="x"' in compiled(text)
    assert warnings(text) == []
    assert warnings(template('<mj-image src="s" />', '<mj-attributes><mj-image alt="" /></mj-attributes>')) == []


def test_styles_that_should_be_inlined() -> None:
    text = template('<mj-text css-class="a">x</mj-text>', '<mj-style inline="inline">.a { color: red }</mj-style>')
    assert 'class="a" style="color: red' not in compiled(text)
    assert [(one.line, one.tag, one.attribute) for one in warnings(text)] == [(2, "mj-style", "inline")]


def test_the_gap_of_a_wrapper() -> None:
    text = "<mjml><mj-head><mj-title>x</mj-title></mj-head><mj-body>\n{}<mj-section></mj-section></mj-wrapper></mj-body></mjml>"
    gap = text.format('<mj-wrapper gap="20px">')
    assert compiled(gap) == compiled(text.format("<mj-wrapper>"))
    assert [(one.line, one.tag, one.attribute) for one in warnings(gap)] == [(2, "mj-wrapper", "gap")]


@pytest.mark.parametrize(
    ("column", "host", "attributes"),
    [
        ('<mj-social><mj-social-element name="github" href="h" /></mj-social>', "www.mailjet.com", ["src"]),
        (
            '<mj-carousel><mj-carousel-image src="a" alt="x" /></mj-carousel>',
            "i.imgur.com",
            ["left-icon", "right-icon"],
        ),
        (
            "<mj-accordion><mj-accordion-element><mj-accordion-title>x</mj-accordion-title></mj-accordion-element></mj-accordion>",
            "i.imgur.com",
            ["icon-wrapped-url", "icon-unwrapped-url"],
        ),
    ],
)
def test_pictures_from_strangers(column: str, host: str, attributes: list[str]) -> None:
    assert host in compiled(template(column))
    found = warnings(template(column))
    assert [one.attribute for one in found] == attributes
    assert all(host in str(one) for one in found)


def test_a_picture_of_ones_own_comes_from_nobody_else() -> None:
    text = template('<mj-social><mj-social-element src="https://x.example/i.png" href="h" /></mj-social>')
    assert "mailjet" not in compiled(text)
    assert warnings(text) == []


def test_white_text_in_a_preview() -> None:
    text = template(head="<mj-preview>hello</mj-preview>")
    assert "color:#ffffff" in compiled(text)
    assert [(one.line, one.tag) for one in warnings(text)] == [(2, "mj-preview")]


def test_a_section_that_is_not_to_be_full_width() -> None:
    body = "<mjml><mj-head><mj-title>x</mj-title></mj-head><mj-body><mj-section {}></mj-section></mj-body></mjml>"
    false = body.format('full-width="false"')
    assert compiled(false) == compiled(body.format('full-width="full-width"')) != compiled(body.format(""))
    assert [(one.tag, one.attribute) for one in warnings(false)] == [("mj-section", "full-width")]


@pytest.mark.parametrize(
    ("padding", "loses"),
    [
        ("0 20px", True),
        ("1px 20px 3px 0", True),
        ("0 20px 0", True),
        ("0px 20px", False),
        ("0", False),
        ("20px 0", False),
        ("10px 20px", False),
        ("{{ x }} 0", False),
    ],
)
def test_a_padding_with_a_bare_zero(padding: str, loses: bool) -> None:
    found = warnings(template(f'<mj-image src="s" alt="" padding="{padding}" />'))
    assert [(one.tag, one.attribute) for one in found] == ([("mj-image", "padding")] if loses else [])


def test_what_is_fatal_is_told_beforehand() -> None:
    selector = '<mj-selector path="p"><mj-html-attribute name="a">1</mj-html-attribute></mj-selector>'
    for head in (
        f"<mj-html-attributes>{selector}</mj-html-attributes>",
        '<mj-attributes><mj-class name="a"><mj-text color="red" /></mj-class></mj-attributes>',
    ):
        with pytest.raises(ValueError, match="unexpected"):
            mjml2html(template(head=head))
        assert [(one.severity, one.line) for one in lint(Source("w.mjml", template(head=head)))] == [("error", 2)]

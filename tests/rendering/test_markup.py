from __future__ import annotations

import pytest

from digest.errors import TemplateError
from digest.rendering.markup import check_markup, without_remarks
from digest.rendering.source import Source

from .sample import shipped


def message(body: str) -> str:
    with pytest.raises(TemplateError) as raised:
        check_markup(Source("w.mjml", f"<mjml><mj-body>\n{body}\n</mj-body></mjml>"))
    return str(raised.value)


def test_the_shipped_template_has_no_mistake() -> None:
    check_markup(without_remarks(shipped().mjml))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("<mj-section>", "line 3: </mj-body> stands where <mj-section> of line 2 must be closed first"),
        ("<mj-section>\n<mj-column></mj-section>", "line 3: </mj-section> stands where <mj-column> of line 3"),
        ("<mj-bogus></mj-bogus>", "line 2: <mj-bogus> is no MJML component"),
        ("<mj-include path='x' />", "line 2: a partial is included on a line of its own"),
        (
            "<mj-section>\n\n  {% if x %}</mj-section>",
            "line 4: text, Jinja tags and conditional comments cannot stand in <mj-section>",
        ),
        ("<mj-raw>{% if a < b %}{% endif %}</mj-raw>", "line 2: MJML cannot read `<` in a Jinja tag"),
        ("<mj-raw>1 < 2</mj-raw>", "line 2: `<` begins no tag here"),
        ('<mj-raw><p title="{{ "x" }}">x</p></mj-raw>', "line 2: the attributes of <p> cannot be read"),
        ("<mj-raw><p title='\"'>x</p></mj-raw>", 'line 2: MJML spoils `"` within an attribute'),
        (
            '<mj-raw>\n<p title="a\u200db">x</p></mj-raw>',
            "line 3: MJML spoils this character within an attribute: write &#8205; instead",
        ),
        ('<mj-raw><p style="a\nb">x</p></mj-raw>', "line 2: MJML spoils this character within an attribute: write &#10; instead"),
        ("<mj-raw><p style=a>x</p></mj-raw>", "line 2: the attributes of <p> cannot be read"),
        ("</mj-body></mjml></mj-raw>", "line 2: </mj-raw> closes nothing"),
        ("<mj-raw><br><img src='x'><td nowrap></td>", "line 3: </mj-body> stands where <mj-raw> of line 2"),
    ],
)
def test_a_mistake_is_named_with_its_line(body: str, said: str) -> None:
    assert said in message(body)


def test_what_is_never_closed_is_named() -> None:
    with pytest.raises(TemplateError, match=r"w\.mjml, line 2: <mj-body> is never closed"):
        check_markup(Source("w.mjml", "<mjml>\n<mj-body>"))


def test_remarks_go_and_lines_and_conditional_comments_stay() -> None:
    source = Source("w", "a<!-- one\ntwo -->b<!--[if mso]>x<![endif]--><!--[if !mso]><!-->y<!--<![endif]-->")
    assert without_remarks(source).text == "a\nb<!--[if mso]>x<![endif]--><!--[if !mso]><!-->y<!--<![endif]-->"

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mjml import mjml2html

from digest.rendering.lint import lint
from digest.rendering.markup import DEEPEST, MOST
from digest.rendering.mistakes import Mistake
from digest.rendering.source import Source

from .sample import shipped

HEAD = '<mj-head>\n<mj-title>x</mj-title>\n<mj-attributes><mj-class name="big" font-size="20px" /></mj-attributes>\n</mj-head>'

ACCORDION = '<mj-accordion icon-wrapped-url="w" icon-unwrapped-url="u"><mj-accordion-element>'


def lint_body(body: str) -> list[Mistake]:
    """The mistakes of a body that begins on line 2."""
    return lint(Source("templates/w.mjml", f"<mjml>{HEAD.replace(chr(10), '')}<mj-body>\n{body}\n</mj-body></mjml>"))


def lint_column(column: str) -> list[Mistake]:
    """The mistakes of a column that begins on line 3."""
    return lint_body(f"<mj-section><mj-column>\n{column}\n</mj-column></mj-section>")


def lint_head(head: str) -> list[Mistake]:
    """The mistakes of a head that begins on line 2."""
    return lint(
        Source("templates/w.mjml", f"<mjml><mj-head><mj-title>x</mj-title>\n{head}\n</mj-head><mj-body></mj-body></mjml>")
    )


def test_the_shipped_template_has_no_mistake() -> None:
    assert [str(mistake) for mistake in lint(shipped().mjml)] == []


@pytest.mark.parametrize(
    ("body", "tag", "attribute", "said"),
    [
        ("<mj-setion></mj-setion>", "mj-setion", "", "line 2: <mj-setion> is no MJML component: did you mean `mj-section`?"),
        ("<mj-text>x</mj-text>", "mj-text", "", "<mj-text> cannot stand in <mj-body>: it belongs in <mj-column> or <mj-hero>"),
        ("<mj-section>\n<mj-text>x</mj-text></mj-section>", "mj-text", "", "line 3: <mj-text> cannot stand in <mj-section>"),
        ("<mj-section><div>x</div></mj-section>", "div", "", "<div> is HTML, and <mj-section> holds components"),
        (
            "<mj-section>x</mj-section>",
            "mj-section",
            "",
            "text, Jinja tags and conditional comments cannot stand in <mj-section>",
        ),
        ("<!--[if mso]>x<![endif]-->", "mj-body", "", "text, Jinja tags and conditional comments cannot stand in <mj-body>"),
        ("<mj-body></mj-body>", "mj-body", "", "<mj-body> cannot stand in <mj-body>"),
        ("<mj-section>", "mj-section", "", "line 3: </mj-body> stands where <mj-section> of line 2 must be closed first"),
        ('<mj-section padding="1" />', "mj-section", "padding", "`padding` of <mj-section> cannot be '1': it takes one to four"),
        ('<mj-section direction="rlt" />', "mj-section", "direction", "cannot be 'rlt': it takes one of ltr, rtl"),
        ('<mj-section nope="1" />', "mj-section", "nope", "<mj-section> has no attribute `nope`: it has background-color, "),
        ('<mj-section padding="1px" padding="2px" />', "mj-section", "padding", "`padding` stands twice in <mj-section>"),
        ("<mj-section padding />", "mj-section", "padding", '`padding` of <mj-section> has no value: write padding="..."'),
    ],
)
def test_a_mistake_in_the_body_is_an_error(body: str, tag: str, attribute: str, said: str) -> None:
    mistakes = [mistake for mistake in lint_body(body) if said in str(mistake)]
    assert [(one.severity, one.tag, one.attribute) for one in mistakes] == [("error", tag, attribute)]


@pytest.mark.parametrize(
    ("column", "tag", "attribute", "said"),
    [
        ('<mj-text colour="red">x</mj-text>', "mj-text", "colour", "has no attribute `colour`: did you mean `color`?"),
        ('<mj-text color="redd">x</mj-text>', "mj-text", "color", "`color` of <mj-text> cannot be 'redd': did you mean `red`?"),
        ('<mj-text color="">x</mj-text>', "mj-text", "color", "cannot be '': it takes a colour"),
        ('<mj-text font-size="2em">x</mj-text>', "mj-text", "font-size", "cannot be '2em': it takes a length in px"),
        ('<mj-table cellpadding="a"></mj-table>', "mj-table", "cellpadding", "cannot be 'a': it takes a whole number"),
        (
            "<mj-text><mj-button>x</mj-button></mj-text>",
            "mj-button",
            "",
            "is no component within <mj-text>, and stays in the mail",
        ),
        ("<mj-text><p><mj-button>x</mj-button></p></mj-text>", "mj-button", "", "is no component within <mj-text>"),
        (
            '<mj-divider padding="1px">x</mj-divider>',
            "mj-divider",
            "",
            "<mj-divider> holds nothing: write <mj-divider ... /> alone",
        ),
        (
            "<mj-social><mj-raw>x</mj-raw></mj-social>",
            "mj-raw",
            "",
            "mjml-python cannot read <mj-raw> in <mj-social>, though MJML",
        ),
        (
            f"{ACCORDION}<mj-accordion-title><b>x</b></mj-accordion-title></mj-accordion-element></mj-accordion>",
            "b",
            "",
            "<b> stands in <mj-accordion-title>, where mjml-python reads text and no tags",
        ),
        ("<mj-column></mj-column>", "mj-column", "", "<mj-column> cannot stand in <mj-column>: it belongs in <mj-group> or"),
    ],
)
def test_a_mistake_in_a_column_is_an_error(column: str, tag: str, attribute: str, said: str) -> None:
    mistakes = lint_column(column)
    assert [(one.severity, one.line, one.tag, one.attribute) for one in mistakes] == [("error", 3, tag, attribute)]
    assert said in str(mistakes[0])


@pytest.mark.parametrize(
    ("head", "tag", "attribute", "said"),
    [
        ('<mj-attributes><mj-text colour="red" /></mj-attributes>', "mj-text", "colour", "did you mean `color`?"),
        ('<mj-attributes><mj-all colour="red" /></mj-attributes>', "mj-all", "colour", "did you mean `color`?"),
        ('<mj-attributes><mj-class name="a" color="1" /></mj-attributes>', "mj-class", "color", "<mj-class> cannot be '1'"),
        ('<mj-attributes><mj-class color="red" /></mj-attributes>', "mj-class", "", "<mj-class> has no name"),
        (
            '<mj-attributes><mj-text color="red">x</mj-text></mj-attributes>',
            "mj-text",
            "",
            "<mj-text> holds nothing in <mj-attrib",
        ),
        (
            '<mj-attributes><mj-class name="a"><mj-text color="red" /></mj-class></mj-attributes>',
            "mj-text",
            "",
            "<mj-text> cannot stand in <mj-class> of <mj-attributes>",
        ),
        ("<mj-html-attributes></mj-html-attributes>", "mj-html-attributes", "", "mjml-python cannot read <mj-html-attributes>"),
        ("<mj-button>x</mj-button>", "mj-button", "", "<mj-button> cannot stand in <mj-head>"),
        ('<mj-font family="x" />', "mj-font", "family", "<mj-font> has no attribute `family`: it has css-class, href"),
    ],
)
def test_a_mistake_in_the_head_is_an_error(head: str, tag: str, attribute: str, said: str) -> None:
    mistakes = lint_head(head)
    assert [(one.severity, one.line, one.tag, one.attribute) for one in mistakes] == [("error", 2, tag, attribute)]
    assert said in str(mistakes[0])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: there is no <mjml>"),
        ("<p>x</p>", "line 1: <p> stands outside <mjml>"),
        ("<mjml></mjml>", "line 1: there is no <mj-body>"),
        ("<mjml><mj-body></mj-body>\n<mj-body></mj-body></mjml>", "line 2: <mj-body> stands twice"),
        ("<mjml>\n<mj-section></mj-section></mjml>", "line 2: <mj-section> cannot stand in <mjml>"),
        ("<mj-section></mj-section>", "line 1: <mj-section> cannot stand alone: it belongs in <mj-body> or <mj-wrapper>"),
        ("<mjml>\n<mj-body>", "line 2: <mj-body> is never closed"),
    ],
)
def test_a_template_that_is_no_template_is_an_error(text: str, said: str) -> None:
    assert [one.severity for one in lint(Source("w", text)) if said in str(one)] == ["error"]


def test_all_mistakes_are_told_in_their_order_with_line_and_column() -> None:
    found = lint_column('<mj-text colour="red" sise="1">x</mj-text>\n<mj-texd>x</mj-texd><mj-spacer height="x" />')
    assert [(one.line, one.column, one.tag, one.attribute) for one in found] == [
        (3, 10, "mj-text", "colour"),
        (3, 23, "mj-text", "sise"),
        (4, 1, "mj-texd", ""),
        (4, 32, "mj-spacer", "height"),
    ]


def test_one_mistake_does_not_bring_others_with_it() -> None:
    assert len(lint_column("<mj-text><p>one<p>two</mj-text>\n<mj-text>x</mj-text>")) == 1
    assert len(lint_column("<mj-divider border-width=1px />")) == 1
    assert len(lint_body("<mj-setion><mj-column></mj-column></mj-setion>")) == 1


def test_jinja_may_stand_wherever_a_value_may() -> None:
    assert (
        lint_column('<mj-text color="{{ colours.accent }}" font-size="{% if x %}10px{% endif %}" mj-class="{{ x }}">x</mj-text>')
        == []
    )
    assert lint_column('<mj-text padding="{{ x }} 10px" align="{{ start }}">{{ article.title }}</mj-text>') == []


def test_html_within_text_is_no_mjml() -> None:
    assert (
        lint_column('<mj-text><p foo="1" class="x">x<br><img src="x"></p></mj-text><mj-table><tr><td>x</td></tr></mj-table>')
        == []
    )


def test_a_name_of_mj_class_that_is_not_defined_is_a_warning() -> None:
    assert lint_column('<mj-text mj-class="big">x</mj-text>') == []
    [mistake] = lint_column('<mj-text mj-class="big bigg">x</mj-text>')
    assert (mistake.severity, mistake.tag, mistake.attribute) == ("warning", "mj-text", "mj-class")
    assert "names `bigg`, which is not defined: did you mean `big`?" in str(mistake)


def test_a_template_without_a_title_is_a_warning() -> None:
    [mistake] = lint(Source("w", "<mjml><mj-body></mj-body></mjml>"))
    assert (mistake.severity, mistake.what) == ("warning", "there is no <mj-title>")


def test_nine_thousand_levels_are_one_mistake() -> None:
    found = lint_column("<mj-text>" + "<div>" * 9_000 + "</div>" * 9_000 + "</mj-text>")
    assert [one.what for one in found] == [f"tags stand more than {DEEPEST} deep in one another"]


@pytest.mark.parametrize("mark", ["\x00", "\x0b", "\x1f", "\ufffe"])
def test_a_character_that_mjml_cannot_read_is_told_with_its_line(mark: str) -> None:
    [found] = lint_column(f"<mj-text>\n a{mark}b</mj-text>")
    assert (found.severity, found.line, found.column) == ("error", 4, 3)
    assert found.what == f"MJML cannot read the control character U+{ord(mark):04X}"
    with pytest.raises(ValueError, match="unable to parse"):
        mjml2html(f"<mjml><mj-body><mj-section><mj-column><mj-text>a{mark}b</mj-text></mj-column></mj-section></mj-body></mjml>")


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ("<!--[if mso]>\n<table><![endif]-->", "line 5: <table> is never closed"),
        ("\n<!--[if mso]></table><![endif]-->", "line 5: </table> closes nothing"),
        ("<!--[if mso]>a < b<![endif]-->", "line 4: `<` begins no tag here: write &lt;, or look for a quote that is not closed"),
        ("<!--[if mso]><br width=3><![endif]-->", "line 4: the attributes of <br> cannot be read"),
    ],
)
def test_what_outlook_alone_reads_is_looked_at_too_as_the_compiler_does(raw: str, said: str) -> None:
    [found] = lint_column(f"<mj-raw>\n{raw}\n</mj-raw>")
    assert said in str(found)
    with pytest.raises(ValueError, match="in root template"):
        mjml2html(f"<mjml><mj-body><mj-raw>{raw}</mj-raw></mj-body></mjml>")


def test_a_table_for_outlook_may_begin_in_one_comment_and_end_in_another() -> None:
    others = "<p>x</p><!--[if !mso]><!--><i>y</i><!--<![endif]-->"
    begun, ended = '<!--[if mso]><table lang="{{ lang }}"><tr><td><![endif]-->', "<!--[if mso]></td></tr></table><![endif]-->"
    assert lint_column(f"<mj-raw>{begun}{others}{ended}</mj-raw>") == []


@pytest.mark.parametrize("tag", ["{{", "{%", "{#", "{{ x }", "{#}"])
def test_a_jinja_tag_that_is_never_closed_is_one_mistake(tag: str) -> None:
    assert [(one.line, one.column, one.what) for one in lint_column(f"<mj-text>\n {tag} x</mj-text>")] == [
        (4, 2, f"`{tag[:2]}` is never closed")
    ]


@pytest.mark.parametrize(
    "flood",
    [
        "{{",
        "{%}",
        "<!--",
        "<!--[if mso]>",
        "<!--[if mso]><p><![endif]-->",
        "<",
        '<a "',
        "<a '",
        "</p>",
        "<p>",
        "<mj-texd>",
        '<mj-text a="1">',
        "<mj-text " + 'a="1" ' * 50_000,
    ],
)
def test_a_flood_of_mistakes_is_told_in_part(flood: str) -> None:
    assert 1 <= len(lint_column(flood * (100_000 // len(flood) + 1))) <= MOST


@given(st.text(alphabet="<>/=\"' \n{}%mjl-textdivcolor!", max_size=80))
def test_whatever_is_written_is_told_and_never_a_crash(text: str) -> None:
    for mistake in lint_column(f"<mj-text {text}"):
        assert (mistake.line or 0) >= 1
        assert (mistake.column or 0) >= 1

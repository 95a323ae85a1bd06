from __future__ import annotations

import pytest

from digest.errors import TemplateError
from digest.rendering import compile as compiling
from digest.rendering import confined
from digest.rendering.compile import compile_template, run_mjml
from digest.rendering.confined import run_confined
from digest.rendering.source import Source

from .sample import BODY, TEXT, shipped, template


def message(mjml: str = BODY, text: str = TEXT) -> str:
    with pytest.raises(TemplateError) as raised:
        compile_template(template(mjml, text))
    return str(raised.value)


def test_a_template_is_compiled_once() -> None:
    assert compile_template(shipped()) is compile_template(shipped())


def test_the_smallest_template_compiles() -> None:
    assert compile_template(template()).text.blocks.keys() == {"opening", "lead", "section", "card", "closing"}


def test_no_font_is_fetched_from_a_third_party() -> None:
    assert "fonts.googleapis.com" not in run_mjml(shipped().mjml)


def test_a_template_without_the_blocks_is_refused() -> None:
    assert "templates/mine.txt, line 2: a template has the blocks lead, section, card" in message(
        text="Hi\n{% block card %}{% endblock %}"
    )


def test_text_between_blocks_is_refused_with_its_line() -> None:
    assert message(text=TEXT.replace("{% block section %}", "between\n{% block section %}")).startswith(
        "templates/mine.txt, line 4: something stands"
    )


def test_block_tags_with_whitespace_control_are_refused() -> None:
    assert "write the tags of blocks plainly" in message(text=TEXT.replace("{% block lead %}", "{%- block lead %}"))


def test_a_syntax_error_in_jinja_names_its_line() -> None:
    assert message(text=TEXT + "{% if %}").startswith("templates/mine.txt, line 12: ")
    assert message(BODY.replace("{{ section.title }}", "{{ section. }}")).startswith("templates/mine.mjml, line 3: ")


GREETING = "{{ greeting }}"
FLOOD = (
    f'<mj-head><mj-attributes><mj-all css-class="{"x" * 200_000}" /></mj-attributes></mj-head><mj-body>'
    + "<mj-section><mj-column><mj-text>x</mj-text></mj-column></mj-section>" * 3_000
)


def test_nine_thousand_levels_are_refused_with_their_line() -> None:
    deep = "<div>" * 9_000 + "</div>" * 9_000
    assert message(BODY.replace(GREETING, deep)).startswith("templates/mine.mjml, line 2: tags stand more than 500 deep")


def test_a_crash_of_the_compiler_is_a_template_error() -> None:
    deep = "<div>" * 60_000 + "</div>" * 60_000
    code = f"from mjml import mjml2html; mjml2html('<mjml><mj-body><mj-raw>{deep}</mj-raw></mj-body></mjml>')"
    with pytest.raises(TemplateError, match=r"^mine\.mjml: it crashed, or needed more than 512 MB \(signal \d+\): look for"):
        run_confined("import sys; exec(sys.stdin.read())", code.encode(), "mine.mjml")


def test_a_compiler_that_fills_the_memory_is_stopped() -> None:
    assert message(BODY.replace("<mj-body>", FLOOD, 1)).startswith(
        "templates/mine.mjml: MJML crashed, or needed more than 512 MB"
    )


def test_jinja_that_fills_the_memory_is_stopped() -> None:
    assert "templates/mine.mjml, line 1: it needs too much memory" in message(BODY.replace(GREETING, '{{ "x" * 10**10 }}'))
    assert "templates/mine.mjml, line 1: it needs too much memory" in message(BODY.replace(GREETING, "{{ 'x'.ljust(10**10) }}"))


def test_jinja_that_never_ends_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(confined, "DEADLINE", 1.5)
    loop = "{% for a in 'x'.ljust(100000) %}" * 3 + "{% endfor %}" * 3
    assert "had not finished after 2 seconds: make the template simpler" in message(BODY.replace(GREETING, loop))


def test_jinja_that_calls_itself_is_stopped() -> None:
    call = "{% for a in [1] recursive %}{{ loop([1]) }}{% endfor %}"
    assert "templates/mine.mjml, line 1: maximum recursion depth exceeded" in message(BODY.replace(GREETING, call))


def test_jinja_nested_too_deep_is_refused() -> None:
    deep = "{{ " + "(" * 5_000 + "1" + ")" * 5_000 + " }}"
    assert message(BODY.replace(GREETING, deep)) == (
        "templates/mine.mjml: Jinja cannot read it: look for deep nesting and for large numbers"
    )


def test_a_child_that_says_nothing_is_told() -> None:
    with pytest.raises(TemplateError, match=r"^mine\.mjml: it gave up: without a reason$"):
        run_confined("sys.exit(1)", b"", "mine.mjml")


def test_what_the_compiler_cannot_read_is_told_with_the_line_of_our_own_check() -> None:
    with pytest.raises(TemplateError, match=r"^mine\.mjml, line 2: <mj-body> is never closed$"):
        run_mjml(Source("mine.mjml", "<mjml>\n<mj-body>"))
    with pytest.raises(TemplateError, match=r"^mine\.mjml, line 3: mjml-python cannot read <mj-raw> in <mj-social>"):
        run_mjml(
            Source(
                "mine.mjml",
                "<mjml><mj-body><mj-section><mj-column>\n<mj-social>\n<mj-raw>x</mj-raw></mj-social></mj-column></mj-section></mj-body></mjml>",
            )
        )


def test_what_only_the_compiler_cannot_read_has_the_line_of_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "lint", lambda source: [])
    inner = "<mj-accordion><mj-accordion-element>\n<!--[if mso]>é<![endif]--></mj-accordion-element></mj-accordion>"
    text = f"<mjml><mj-body><mj-raw>é</mj-raw>\n<mj-section>\n<mj-column>{inner}</mj-column></mj-section></mj-body></mjml>"
    with pytest.raises(TemplateError, match=r"^mine\.mjml, line 4: MJML cannot read it: "):
        run_mjml(Source("mine.mjml", text))


def test_html_larger_than_any_mail_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "_LARGEST", 1_000)
    with pytest.raises(TemplateError, match=r"^mine\.mjml: MJML makes [\d,]+ characters of it"):
        run_mjml(Source("mine.mjml", BODY))

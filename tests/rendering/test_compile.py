from __future__ import annotations

import pytest

from digest.errors import TemplateError
from digest.rendering import compile as compiling
from digest.rendering.compile import compile_template, run_mjml
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


def test_a_crash_of_the_compiler_is_a_template_error() -> None:
    deep = "<div>" * 60_000 + "</div>" * 60_000
    with pytest.raises(TemplateError, match=r"mine\.mjml: MJML crashed on it \(signal"):
        run_mjml(Source("mine.mjml", f"<mjml><mj-body><mj-raw>{deep}</mj-raw></mj-body></mjml>"))


def test_a_compiler_that_hangs_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "_CHILD", "import time; time.sleep(60)")
    monkeypatch.setattr(compiling, "_DEADLINE", 0.2)
    with pytest.raises(TemplateError, match="had not finished"):
        run_mjml(Source("mine.mjml", BODY))


def test_what_the_compiler_says_is_passed_on() -> None:
    with pytest.raises(TemplateError, match=r"mine\.mjml, line 1: MJML cannot read it: unexpected end"):
        run_mjml(Source("mine.mjml", "<mjml><mj-body>"))

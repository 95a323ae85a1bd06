from __future__ import annotations

import pytest

from digest.errors import TemplateError
from digest.rendering.environment import html_environment
from digest.rendering.names import check_names
from digest.rendering.source import Source

from .sample import BODY


def message(old: str, new: str) -> str:
    with pytest.raises(TemplateError) as raised:
        check_names(Source("w.mjml", BODY.replace(old, new)), html_environment())
    return str(raised.value)


def test_an_unknown_name_is_found_with_its_line_and_the_known_ones() -> None:
    assert message("{{ section.title }}", "\n{{ sektion.title }}").startswith(
        "w.mjml, line 4: `sektion` is not known in the block section; known are "
    )


def test_an_article_is_known_only_in_its_blocks() -> None:
    assert "`article` is not known in the opening and closing" in message("{{ greeting }}", "{{ article.title }}")
    assert "`section` is not known in the block card" in message("{% block card %}", "{% block card %}{{ section.title }}")


def test_an_unknown_field_is_found_with_its_line_and_the_known_ones() -> None:
    assert message("{{ greeting }}", "{{ site.nmae }}").startswith("w.mjml, line 2: `site` has no `nmae`; it has name, url")


@pytest.mark.parametrize(
    "use",
    [
        "{{ greeting | upper }}",
        "{% if greeting %}x{% endif %}",
        "{% set greeting = 1 %}",
        "{% set x %}{{ greeting }}{% endset %}",
        "{% filter upper %}{{ greeting }}{% endfilter %}",
        "{{ greeting ~ 'x' }}",
        "{% for x in [1] recursive %}{{ greeting }}{{ loop([]) | upper }}{% endfor %}",
        "{% for x in [1] recursive %}{{ _('%(x)s', x=greeting) }}{% endfor %}",
    ],
)
def test_a_slot_can_only_be_written_out(use: str) -> None:
    assert "line 2: `greeting` is known only when a mail leaves" in message("{{ greeting }}", use)


@pytest.mark.parametrize("use", ["{{ self.closing() | upper }}", "{{ self.card() }}", "{% set x = self %}"])
def test_a_block_is_no_value(use: str) -> None:
    assert "line 2: a block cannot be written by `self`: put what stands twice into a partial" in message("{{ greeting }}", use)


@pytest.mark.parametrize("tag", ["{% include 'x' %}", "{% import 'x' as y %}", "{% extends 'x' %}"])
def test_other_files_are_refused(tag: str) -> None:
    assert "line 2: a template cannot extend or import another" in message("{{ greeting }}", tag)


def test_escaping_cannot_be_switched_off() -> None:
    assert "line 2: escaping cannot be switched off" in message("{{ greeting }}", "{% autoescape false %}x{% endautoescape %}")
    assert "line 2: No filter named 'safe'" in message("{{ greeting }}", "{{ site.name | safe }}")


def test_blocks_stand_side_by_side() -> None:
    nested = message("{{ section.title }}", "{% block inner %}{% endblock %}")
    assert "line 3: block inner stands inside another tag" in nested

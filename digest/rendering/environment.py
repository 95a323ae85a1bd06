"""The sandbox that templates run in, and the filters they may use."""

from __future__ import annotations

import textwrap
from functools import cache

from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from digest.rendering import speaking

WIDTH = 72
"""Columns of a plain-text mail."""


@cache
def html_environment() -> ImmutableSandboxedEnvironment:
    """For the HTML that MJML made: escapes every value."""
    return _environment(autoescape=True, trim_blocks=False, lstrip_blocks=False)


@cache
def text_environment() -> ImmutableSandboxedEnvironment:
    """For plain text: escapes nothing; a line that holds only a tag leaves no line behind."""
    return _environment(autoescape=False, trim_blocks=True, lstrip_blocks=True)


def _environment(**options: bool) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True, cache_size=0, **options)
    environment.globals.clear()
    environment.filters.update(
        wrap=wrap,
        bdi=speaking.isolate,
        date=speaking.write_date,
        link=speaking.link,
        links=speaking.links,
        listed=speaking.write_list,
        number=speaking.write_number,
    )
    for refused in ("safe", "center", "format", "indent", "pprint"):  # unescaped, or as large as the template asks
        environment.filters.pop(refused)
    return environment


def wrap(text: str, width: int = WIDTH, indent: str = "") -> str:
    """The text in lines of at most `width` columns; a longer word, such as an address, stays whole."""
    lines = textwrap.wrap(
        text, width, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(lines)

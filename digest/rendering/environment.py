"""The sandbox that templates run in, and the filters they may use."""

from __future__ import annotations

import textwrap
from datetime import date
from functools import cache
from typing import Any

from jinja2 import StrictUndefined, pass_context
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

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
    environment.filters.update(wrap=wrap, date=write_date)
    for refused in ("safe", "center", "format", "indent", "pprint"):  # unescaped, or as large as the template asks
        environment.filters.pop(refused)
    return environment


def wrap(text: str, width: int = WIDTH, indent: str = "") -> str:
    """The text in lines of at most `width` columns; a longer word, such as an address, stays whole."""
    lines = textwrap.wrap(
        text, width, initial_indent=indent, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(lines)


@pass_context
def write_date(context: Context, day: date, style: str = "long") -> str:
    """The date in words of the issue's language; styles are Babel's: short, medium, long, full."""
    from babel.dates import format_date  # 60 ms, which `digest --help` need not pay

    options: Any = style
    return format_date(day, options, locale=locale_of(str(context["lang"])))


@cache
def locale_of(language: str) -> Any:
    """Babel's locale for a language tag, or for as much of it as Babel knows; English at last."""
    from babel import Locale, UnknownLocaleError

    parts = language.split("-")
    for length in range(len(parts), 0, -1):
        try:
            return Locale.parse("-".join(parts[:length]), sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    return Locale("en")

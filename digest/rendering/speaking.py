"""What a template says in the reader's language: `_`, `ngettext`, and the filters for links, lists, numbers and dates."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from digest.languages import Words, locale_of
from digest.languages.words import write_number
from digest.rendering.content import AlsoContent


def speech(words: Words) -> dict[str, Callable[..., str]]:
    """The two functions of a template that speak these words; values are escaped in HTML, Markup apart."""

    @pass_context
    def say(context: Context, message: str, /, **values: object) -> str:
        return _put_in(context, words.translate(message), values)

    @pass_context
    def count(context: Context, one: str, many: str, number: int, /, **values: object) -> str:
        return _put_in(context, words.translate_counted(one, many, number), {"num": words.number(number), **values})

    return {"_": say, "ngettext": count}


def _put_in(context: Context, message: str, values: dict[str, object]) -> str:
    return Markup(escape(message)) % values if context.eval_ctx.autoescape else message % values  # noqa: S704  # both escaped


@pass_context
def write_date(context: Context, day: date, style: str = "long") -> str:
    """The date in words of the mail's language; styles are Babel's: short, medium, long, full."""
    from babel.dates import format_date  # 60 ms, which `digest --help` need not pay

    if not isinstance(day, date):  # Babel would write today's for none
        raise TypeError(f"'date' writes a date, and {day!r} is none: ask {{% if … %}} first")
    options: Any = style
    return format_date(day, options, locale=locale_of(str(context["lang"])))


@pass_context
def write_time(context: Context, moment: datetime, style: str = "short") -> str:
    """The time of day, as its own zone has it, in the way of the mail's language; styles are Babel's."""
    from babel.dates import format_time

    options: Any = style
    return format_time(moment.time(), options, locale=locale_of(str(context["lang"])))


@pass_context
def number_in(context: Context, number: float) -> str:
    """The number as the mail's language writes it."""
    return write_number(number, str(context["lang"]))


@pass_context
def write_list(context: Context, values: Iterable[object]) -> str:
    """The values as one list in words of the mail's language: `a, b and c`."""
    from babel.lists import format_list

    escaping = context.eval_ctx.autoescape
    listed = format_list([str(escape(value)) if escaping else str(value) for value in values], locale=locale_of(context["lang"]))
    return Markup(listed) if escaping else listed  # noqa: S704  # each was escaped


@pass_context
def isolate(context: Context, value: object) -> str:
    """The value in `<bdi>`, so that its direction and its neighbours' leave each other alone; as it is in plain text."""
    return Markup("<bdi>{}</bdi>").format(value) if context.eval_ctx.autoescape else str(value)


@pass_context
def link(context: Context, text: str, address: str, style: str = "") -> str:
    """The text, isolated, as a link to an address; the text alone in plain text."""
    if not context.eval_ctx.autoescape:
        return text
    styled = Markup(' style="{}"').format(style) if style else ""
    return Markup('<a href="{}"{}><bdi>{}</bdi></a>').format(address, styled, text)


@pass_context
def links(context: Context, others: Iterable[AlsoContent], style: str = "") -> list[str]:
    """The other places of a story, each called by its host, as links; the hosts alone in plain text."""
    return [link(context, other.host, other.url, style) for other in others]

"""What mrml, the MJML compiler, would refuse, misread or pass on silently, found beforehand with its line.

mrml names no lines, copies unknown components into the mail, and spoils some characters in attributes.
Components as of MJML 4.15: https://documentation.mjml.io/#components
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace

from digest.errors import TemplateError
from digest.rendering.partials import HOW_TO_INCLUDE
from digest.rendering.source import Source

_STRUCTURE = frozenset(
    {"mjml", "mj-head", "mj-attributes", "mj-body", "mj-wrapper", "mj-section", "mj-group", "mj-column", "mj-hero"}
)
_STRUCTURE_OR_LIST = _STRUCTURE | {"mj-navbar", "mj-social", "mj-accordion", "mj-accordion-element", "mj-carousel"}
_COMPONENTS = _STRUCTURE_OR_LIST | frozenset(
    "mj-accordion-text mj-accordion-title mj-all mj-breakpoint mj-button mj-carousel-image mj-class mj-divider mj-font mj-image "  # noqa: SIM905  # a list of words is read faster
    "mj-navbar-link mj-preview mj-raw mj-social-element mj-spacer mj-style mj-table mj-text mj-title".split()
)
_VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())  # noqa: SIM905

_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_REMARK = re.compile(r"<!--(?!\[if|<!\[|>).*?-->", re.DOTALL)
_JINJA = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_TAG = re.compile(r"<(?P<close>/?)(?P<name>[A-Za-z][\w:-]*)(?P<attributes>(?:\"[^\"]*\"|'[^']*'|[^<>\"'])*)>|<")
_ATTRIBUTE = re.compile(r"\s+[A-Za-z_:][\w:.-]*(?:=(?:\"([^\"]*)\"|'([^']*)'))?")


@dataclass(frozen=True, slots=True)
class _Token:
    """A tag, or the text before one; `kind` is open, close, empty or text."""

    kind: str
    name: str
    text: str
    at: int


def without_remarks(source: Source) -> Source:
    """The source without its comments, lines kept: they are for template authors. Outlook's conditional ones stay."""
    return replace(source, text=_REMARK.sub(lambda found: "\n" * found[0].count("\n"), source.text))


def check_markup(source: Source) -> None:
    """Raise a TemplateError that names file and line for the first mistake in a template's tags."""
    for tag in _JINJA.finditer(source.text):
        if "<" in tag[0]:
            raise _error(source, tag.start() + tag[0].index("<"), "MJML cannot read `<` in a Jinja tag: write `is lt(…)` instead")
    open_tags: list[_Token] = []
    for token in _tokens(source, _JINJA.sub(_blank, _COMMENT.sub(_blank, source.text))):
        _check_place(source, token, open_tags[-1].name if open_tags else "")
        if token.kind == "open":
            open_tags.append(token)
        elif token.kind == "close":
            _close(source, token, open_tags)
    if open_tags:
        raise _error(source, open_tags[-1].at, f"<{open_tags[-1].name}> is never closed")


def _error(source: Source, at: int, what: str) -> TemplateError:
    return TemplateError(f"{source.place_at(at)}: {what}")


def _blank(tag: re.Match[str]) -> str:
    """A Jinja tag or a comment as text of the same length that keeps what matters to a reader of tags: quotes and lines."""
    if tag[0].startswith("<"):
        return re.sub(r"[^\n]", " ", tag[0])
    return re.sub(r"[^\n\"']", "x", tag[0])


def _tokens(source: Source, text: str) -> Iterator[_Token]:
    end = 0
    for tag in _TAG.finditer(text):
        yield _Token("text", "", text[end : tag.start()], end)
        end = tag.end()
        if tag["name"] is None:
            raise _error(source, tag.start(), "`<` begins no tag here: write &lt;, or look for a quote that is not closed")
        attributes = tag["attributes"].removesuffix("/")
        _check_attributes(source, tag["name"], attributes, tag.start("attributes"))
        empty = tag["attributes"].endswith("/") or tag["name"].lower() in _VOID
        yield _Token("close" if tag["close"] else "empty" if empty else "open", tag["name"], "", tag.start())
    yield _Token("text", "", text[end:], end)


def _check_attributes(source: Source, name: str, attributes: str, at: int) -> None:
    end = 0
    for attribute in _ATTRIBUTE.finditer(attributes):
        if attribute.start() != end:
            break
        end = attribute.end()
        if '"' in (attribute[2] or ""):
            raise _error(
                source, at + attribute.start(2), "MJML spoils `\"` within an attribute: write &quot;, and ' in Jinja tags"
            )
        value = attribute[1] or attribute[2] or ""
        spoilt = next((mark for mark in value if mark == "\\" or (mark != " " and unicodedata.category(mark)[0] in "CZM")), None)
        if spoilt is not None:
            where = at + attribute.end() - 1 - len(value) + value.index(spoilt)
            raise _error(source, where, f"MJML spoils this character within an attribute: write &#{ord(spoilt)}; instead")
    if attributes[end:].strip():
        raise _error(source, at, f'the attributes of <{name}> cannot be read: write name="value", and \' in Jinja tags')


def _check_place(source: Source, token: _Token, parent: str) -> None:
    if token.kind == "text" and token.text.strip() and parent in _STRUCTURE | {""}:
        at = token.at + len(token.text) - len(token.text.lstrip())
        raise _error(source, at, f"text and Jinja tags cannot stand in <{parent or 'no tag'}>: wrap them in <mj-raw>")
    if token.name.startswith("mj-include"):
        raise _error(source, token.at, "a partial is included on a line of its own, " + HOW_TO_INCLUDE)
    if token.name.startswith("mj") and token.name not in _COMPONENTS:
        raise _error(source, token.at, f"<{token.name}> is no MJML component")


def _close(source: Source, token: _Token, open_tags: list[_Token]) -> None:
    if not open_tags:
        raise _error(source, token.at, f"</{token.name}> closes nothing")
    opened = open_tags.pop()
    if opened.name != token.name:
        where = source.place_at(opened.at).removeprefix(f"{source.place_at(token.at).rpartition(', ')[0]}, ")
        raise _error(source, token.at, f"</{token.name}> stands where <{opened.name}> of {where} must be closed first")

"""Reading a template's tags: where they begin and end, their attributes, and what mrml, the MJML compiler, would misread.

mrml names no lines, and spoils some characters in attributes; so that is found beforehand.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from digest.rendering.mistakes import Mistake, Severity, mistake_at, nearest
from digest.rendering.mjml import Holds, mjml
from digest.rendering.partials import HOW_TO_INCLUDE
from digest.rendering.source import Source

DEEPEST = 500
"""Tags within tags; a mail has twenty, and some nine thousand crash the compiler."""

MOST = 100
"""Mistakes that are told at once."""

VOID = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"})
"""HTML's elements that are never closed."""

_UNREADABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # no characters of XML
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_REMARK = re.compile(r"<!--(?!\[if|<!\[|>).*?-->", re.DOTALL)
_CONDITION = re.compile(r"<!--\[if[^\]>]*\]>(?!<!--)(.*?)<!\[endif\]-->", re.DOTALL)
_JINJA = re.compile(r"\{\{.*?(?:\}\}|\Z)|\{%.*?(?:%\}|\Z)|\{#.*?(?:#\}|\Z)", re.DOTALL)
_TAG = re.compile(r"<(?P<close>/?)(?P<name>[A-Za-z][\w:-]*)(?P<attributes>(?:\"[^\"]*\"|'[^']*'|[^<>\"'])*)>|<")
_ATTRIBUTE = re.compile(r"\s+(?P<name>[A-Za-z_:][\w:.-]*)(?:=(?:\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'))?")


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute; `value` is as the template has it, Jinja included, and None where there is none. `at` is where it begins."""

    name: str
    value: str | None
    at: int


@dataclass(frozen=True, slots=True)
class Token:
    """A tag, or the text before one; `kind` is open, close, empty or text. `at` is where it begins."""

    kind: str
    name: str
    text: str
    at: int
    attributes: tuple[Attribute, ...] = ()

    def value(self, name: str) -> str | None:
        """The value of an attribute, or None where it is not there."""
        return next((one.value for one in self.attributes if one.name == name), None)


def without_remarks(source: Source) -> Source:
    """The source without its comments, lines kept: they are for template authors. Outlook's conditional ones stay."""
    return replace(source, text=_in_comments(_REMARK, lambda found: "\n" * found[0].count("\n"), source.text))


def _in_comments(pattern: re.Pattern[str], put: Callable[[re.Match[str]], str], text: str) -> str:
    """The text with something put for each comment. What is never closed is none, and is not looked for again and again."""
    end = text.rfind("-->") + 3 if "-->" in text else 0
    return pattern.sub(put, text[:end]) + text[end:]


def check_markup(source: Source) -> None:
    """Raise a TemplateError that names file and line for the first mistake in a template's tags."""
    mistakes = list(islice((one for one in walk(source) if isinstance(one, Mistake)), MOST))
    if mistakes:
        raise min(mistakes, key=lambda mistake: mistake.at).as_error()


def walk(source: Source) -> Iterator[Mistake | tuple[Token, Sequence[Token]]]:
    """Every tag and text with the tags that are open around it, and every mistake in how they are written."""
    for tag in _JINJA.finditer(source.text):
        if tag[0][-2:] not in {"}}", "%}", "#}"} or len(tag[0]) < 4:
            yield mistake_at(source, tag.start(), f"`{tag[0][:2]}` is never closed")
            return
        if "<" in tag[0]:
            where = tag.start() + tag[0].index("<")
            yield mistake_at(source, where, "MJML cannot read `<` in a Jinja tag", "write `is lt(…)` instead")
    unreadable = _UNREADABLE.search(source.text)
    if unreadable:
        what = f"MJML cannot read the control character U+{ord(unreadable[0]):04X}"
        yield mistake_at(source, unreadable.start(), what, "delete it: an editor may show it as nothing")
    open_tags: list[Token] = []
    for token in _tokens(source, _JINJA.sub(_blank, _in_comments(_COMMENT, _blank, source.text))):
        if isinstance(token, Mistake):
            yield token
            continue
        yield from _misplaced(source, token, open_tags)
        if token.kind == "close":
            yield from _close(source, token, open_tags)
            continue
        yield token, open_tags
        if token.kind == "open":
            open_tags.append(token)
        if len(open_tags) > DEEPEST:
            yield mistake_at(
                source, token.at, f"tags stand more than {DEEPEST} deep in one another", "close them", tag=token.name
            )
            return
    yield from _left_open(source, open_tags)
    yield from _of_conditions(source)


def _left_open(source: Source, open_tags: Sequence[Token]) -> Iterator[Mistake]:
    if open_tags:
        opened = open_tags[-1]
        yield mistake_at(source, opened.at, f"<{opened.name}> is never closed", tag=opened.name)


def _of_conditions(source: Source) -> Iterator[Mistake]:
    """The mistakes in what Outlook alone reads: MJML wants its tags closed too, be it in another conditional comment."""
    text = _JINJA.sub(_blank, source.text)
    shown: list[str] = []
    end = 0
    for found in _CONDITION.finditer(text, 0, text.rfind("<![endif]-->") + 12):
        shown += (" " * (found.start(1) - end), found[1])
        end = found.end(1)
    open_tags: list[Token] = []
    for token in _tokens(source, "".join(shown)):
        if isinstance(token, Mistake):
            yield token
        elif token.kind == "close":
            yield from _close(source, token, open_tags)
        elif token.kind == "open":
            open_tags.append(token)
    yield from _left_open(source, open_tags)


def _blank(tag: re.Match[str]) -> str:
    """A Jinja tag or a comment as text of the same length that keeps what matters to a reader of tags: quotes and lines."""
    if _REMARK.match(tag[0]):
        return re.sub(r"[^\n]", " ", tag[0])
    if tag[0].startswith("<"):
        return re.sub(r"[^\n]", "x", tag[0])
    return re.sub(r"[^\n\"']", "x", tag[0])


def _tokens(source: Source, text: str) -> Iterator[Mistake | Token]:
    end = 0
    for tag in _TAG.finditer(text):
        yield Token("text", "", text[end : tag.start()], end)
        end = tag.end()
        if tag["name"] is None:
            mend = "write &lt;, or look for a quote that is not closed"
            yield mistake_at(source, tag.start(), "`<` begins no tag here", mend)
            continue
        written = tag["attributes"].removesuffix("/")
        attributes: list[Attribute] = []
        for found in _attributes(source, tag["name"], written, tag.start("attributes")):
            if isinstance(found, Mistake):
                yield found
            else:
                attributes.append(found)
        empty = tag["attributes"].endswith("/") or tag["name"].lower() in VOID
        yield Token("close" if tag["close"] else "empty" if empty else "open", tag["name"], "", tag.start(), tuple(attributes))
    yield Token("text", "", text[end:], end)


def _attributes(source: Source, tag: str, written: str, at: int) -> Iterator[Mistake | Attribute]:
    end = 0
    for found in _ATTRIBUTE.finditer(written):
        if found.start() != end:
            break
        end = found.end()
        name = found["name"]
        group = "single" if found["double"] is None else "double"
        value = found[group]
        if value is None and written.startswith("=", end):
            continue  # told below
        written_so = None if value is None else source.text[at + found.start(group) : at + found.end(group)]
        yield Attribute(name, written_so, at + found.start("name"))
        if '"' in (found["single"] or ""):
            what, mend = 'MJML spoils `"` within an attribute', "write &quot;, and ' in Jinja tags"
            yield mistake_at(source, at + found.start("single"), what, mend, tag=tag, attribute=name)
        spoilt = next((place for place, mark in enumerate(value or "") if _spoils(mark)), None)
        if value is not None and spoilt is not None:
            what, mend = "MJML spoils this character within an attribute", f"write &#{ord(value[spoilt])}; instead"
            yield mistake_at(source, at + found.start(group) + spoilt, what, mend, tag=tag, attribute=name)
    if written[end:].strip():
        what, mend = f"the attributes of <{tag}> cannot be read", 'write name="value", and \' in Jinja tags'
        yield mistake_at(source, at, what, mend, tag=tag)


def _spoils(mark: str) -> bool:
    return mark == "\\" or (mark != " " and unicodedata.category(mark)[0] in "CZM")


def _misplaced(source: Source, token: Token, open_tags: Sequence[Token]) -> Iterator[Mistake]:
    parent = open_tags[-1].name if open_tags else ""
    if token.kind == "text" and token.text.strip():
        at = token.at + len(token.text) - len(token.text.lstrip())
        if parent and is_default(open_tags[:-1]):
            yield mistake_at(
                source, at, f"<{parent}> holds nothing in <mj-attributes>", f"write <{parent} ... /> alone", tag=parent
            )
        elif not parent or _holds(parent) == "components":
            what = f"text, Jinja tags and conditional comments cannot stand in <{parent or 'no tag'}>"
            yield mistake_at(source, at, what, "wrap them in <mj-raw>", tag=parent)
        elif _holds(parent) == "nothing":
            yield mistake_at(source, at, f"<{parent}> holds nothing", f"write <{parent} ... /> alone", tag=parent)
    if token.kind == "close":
        return
    if token.name.startswith("mj-include"):
        what = f"a partial is included on a line of its own, {HOW_TO_INCLUDE}"
        yield mistake_at(source, token.at, what, tag=token.name)
    elif token.name.startswith("mj") and token.name not in mjml().components:
        yield mistake_at(
            source, token.at, f"<{token.name}> is no MJML component", nearest(token.name, mjml().components), tag=token.name
        )


def mistake_of(
    source: Source, token: Token, what: str, mend: str, attribute: Attribute | None = None, severity: Severity = "error"
) -> Mistake:
    """A mistake of a tag, or of one of its attributes."""
    at, name = (token.at, "") if attribute is None else (attribute.at, attribute.name)
    return mistake_at(source, at, what, mend, tag=token.name, attribute=name, severity=severity)


def is_default(open_tags: Sequence[Token]) -> bool:
    """Whether what stands here gives a component's default attributes, and is none itself."""
    return bool(open_tags) and open_tags[-1].name == "mj-attributes"


def _holds(name: str) -> Holds | None:
    component = mjml().components.get(name)
    return component.holds if component else None


def _close(source: Source, token: Token, open_tags: list[Token]) -> Iterator[Mistake]:
    """Close the tag; those that were left open within it are told, and taken as closed."""
    names = [opened.name for opened in open_tags]
    if token.name not in names:
        yield mistake_at(source, token.at, f"</{token.name}> closes nothing", tag=token.name)
        return
    opened = open_tags.pop()
    if opened.name != token.name:
        where = source.place_at(opened.at).removeprefix(f"{source.place_at(token.at).rpartition(', ')[0]}, ")
        what = f"</{token.name}> stands where <{opened.name}> of {where} must be closed first"
        yield mistake_at(source, token.at, what, tag=opened.name)
    while opened.name != token.name:
        opened = open_tags.pop()

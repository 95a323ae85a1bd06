"""Styles of a mail as far as colours go: inline ones, attributes, and rules with plain selectors, light and dark.

Selectors with pseudo-classes, attributes or siblings are passed over: what they say is not for every reader. So are rules for
some widths only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from digest.checks.page import Element, Page

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_COMPOUND = re.compile(r"^(?P<tag>[a-z][a-z0-9]*|\*)?(?P<rest>(?:[.#][A-Za-z0-9_-]+)*)$")
_DARK = re.compile(r"prefers-color-scheme\s*:\s*dark")
_COLOUR = re.compile(r"#(?:[0-9a-f]{6}|[0-9a-f]{3})\b|rgb\(\s*\d+\s*,\s*\d+\s*,\s*\d+\s*\)", re.IGNORECASE)
_NAMES = {"white": "#ffffff", "black": "#000000", "red": "#ff0000", "gray": "#808080", "grey": "#808080", "silver": "#c0c0c0"}


@dataclass(frozen=True, slots=True)
class _Rule:
    """One selector with its declarations; `weight` orders it among others (dark rules do not weigh more, they come later)."""

    compounds: tuple[tuple[str, str], ...]
    weight: tuple[int, int, int]
    declarations: Mapping[str, tuple[str, bool]]
    dark: bool


class Styles:
    """The colours of a page's elements."""

    def __init__(self, page: Page) -> None:
        css = "\n".join("".join(one for one in style.content if isinstance(one, str)) for style in page.all("style"))
        self._rules = list(_rules(_COMMENT.sub("", css), media=""))
        self._known: dict[tuple[int, bool], dict[str, str]] = {}

    def colours(self, element: Element, *, dark: bool) -> tuple[str | None, str | None]:
        """What text in an element is written in and upon, '#rrggbb'; None where that cannot be told."""
        written = upon = None
        for one in element.line_of_ancestors:
            if (key := (id(one), dark)) not in self._known:
                self._known[key] = self._said(one, dark)
            said = self._known[key]
            written = written or said.get("color")
            upon = upon or said.get("background-color") or said.get("background")
            if written and upon:
                break
        return as_hex(written or "#000000"), as_hex(upon or "#ffffff")

    def _said(self, element: Element, dark: bool) -> dict[str, str]:
        """The colours that an element itself is given, the last word of the cascade."""
        told: list[tuple[bool, int, tuple[int, int, int], int, str, str]] = []
        for place, rule in enumerate(self._rules):
            if (dark or not rule.dark) and _matches(element, rule.compounds):
                told += [(big, 1, rule.weight, place, name, value) for name, (value, big) in rule.declarations.items()]
        inline = _declarations(element.attributes.get("style", ""))
        told += [(big, 2, (0, 0, 0), 0, name, value) for name, (value, big) in inline.items()]
        if "bgcolor" in element.attributes:
            told.append((False, 0, (0, 0, 0), 0, "background-color", element.attributes["bgcolor"]))
        said = {}
        for *_, name, value in sorted(told):
            if value != "inherit" and value != "transparent":
                said["background-color" if name == "background" else name] = value
        return said


def as_hex(colour: str) -> str | None:
    """A colour as '#rrggbb'; None for one that is see-through, or called by a name that is not known here."""
    text = colour.strip().lower()
    if text in _NAMES:
        return _NAMES[text]
    found = _COLOUR.search(text)
    if found is None:
        return None
    if found[0].startswith("rgb"):
        return "#" + "".join(f"{min(255, int(part)):02x}" for part in re.findall(r"\d+", found[0]))
    digits = found[0][1:]
    return "#" + (digits if len(digits) == 6 else "".join(2 * digit for digit in digits))


def for_everybody(css: str) -> str:
    """A style sheet without its media queries: what stands in one comes on top of what everybody gets."""
    return "\n".join(f"{head} {{{body}}}" for head, body in _blocks(_COMMENT.sub("", css)) if not head.startswith("@media"))


def _rules(css: str, media: str) -> Iterator[_Rule]:
    for head, body in _blocks(css):
        if head.startswith("@media"):
            if "width" not in head and ("color-scheme" not in head or _DARK.search(head)):
                yield from _rules(body, head)
        elif not head.startswith("@"):
            for selector in head.split(","):
                compounds = _compounds(selector)
                if compounds is not None and (said := _declarations(body)):
                    yield _Rule(compounds, _weight(compounds), said, dark=bool(_DARK.search(media)))


def _blocks(css: str) -> Iterator[tuple[str, str]]:
    """What stands before and within each outermost pair of braces."""
    start, depth, head = 0, 0, ""
    for found in re.finditer(r"[{}]", css):
        if found[0] == "{":
            if depth == 0:
                head, start = css[start : found.start()].strip(), found.end()
            depth += 1
        elif depth:
            depth -= 1
            if depth == 0:
                yield head, css[start : found.start()]
                start = found.end()


def _declarations(text: str) -> dict[str, tuple[str, bool]]:
    """The colours of a list of declarations, and whether each is important."""
    said = {}
    for declaration in text.split(";"):
        name, _, value = declaration.partition(":")
        name, value = name.strip().lower(), value.strip().lower()
        if name in {"color", "background-color"} or (name == "background" and as_hex(value)):
            said[name] = (value.replace("!important", "").strip(), "!important" in value)
    return said


def _compounds(selector: str) -> tuple[tuple[str, str], ...] | None:
    """A selector as (combinator, compound) pairs, outermost first; None for one that is not plain."""
    found, combinator = [], " "
    for part in selector.replace(">", " > ").split():
        if part == ">":
            combinator = ">"
        elif _COMPOUND.fullmatch(part):
            found.append((combinator, part))
            combinator = " "
        else:
            return None
    return tuple(found) or None


def _weight(compounds: Iterable[tuple[str, str]]) -> tuple[int, int, int]:
    text = [part for _, part in compounds]
    tags = sum(part[0].isalpha() for part in text)
    return sum(part.count("#") for part in text), sum(part.count(".") for part in text), tags


def _matches(element: Element, compounds: tuple[tuple[str, str], ...]) -> bool:
    (combinator, last), rest = compounds[-1], compounds[:-1]
    if not _is(element, last):
        return False
    if not rest:
        return True
    if combinator == ">":
        return element.parent is not None and _matches(element.parent, rest)
    around = element.parent.line_of_ancestors if element.parent is not None else ()
    return any(_matches(one, rest) for one in around)


def _is(element: Element, compound: str) -> bool:
    match = _COMPOUND.fullmatch(compound)
    if match is None or (match["tag"] not in (None, "*") and match["tag"] != element.tag):
        return False
    classes = element.attributes.get("class", "").split()
    parts = re.findall(r"[.#][A-Za-z0-9_-]+", match["rest"])
    return all(part[1:] in classes if part[0] == "." else part[1:] == element.attributes.get("id") for part in parts)

"""A mail's HTML as checks see it: elements in a tree, and what is not well formed about them.

Mail programs repair less than browsers do, so every element has to be closed where it was opened. Outlook's conditional
comments are read both ways: as everybody else does, who skips them, and as Outlook does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

from digest.rendering.markup import VOID

_NOT_IN_P = frozenset(
    [
        "address",
        "article",
        "blockquote",
        "div",
        "dl",
        "fieldset",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "main",
        "ol",
        "p",
        "pre",
        "table",
        "ul",
    ]
)
_UNSEEN = frozenset({"head", "style", "script", "title", "template"})
_FOR_OUTLOOK = re.compile(r"<!--\[if (?P<condition>[^\]]*)\]>(?P<revealed><!-->|-->)?", re.IGNORECASE)
_END = re.compile(r"(?:<!--\s*)?<!\[endif\]-->", re.IGNORECASE)
_NOT_OUTLOOK = re.compile(r"^\s*!\s*mso\b", re.IGNORECASE)
_HIDDEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)


@dataclass(slots=True, eq=False)
class Element:
    """One element; `content` is its text and its elements in order."""

    tag: str
    attributes: dict[str, str]
    parent: Element | None
    content: list[Element | str] = field(default_factory=list)

    @property
    def line_of_ancestors(self) -> Iterator[Element]:
        """The element and what it stands in, innermost first."""
        found: Element | None = self
        while found is not None:
            yield found
            found = found.parent

    @property
    def machinery(self) -> bool:
        """Whether it stands in the head, or in a script or a style."""
        return any(one.tag in _UNSEEN for one in self.line_of_ancestors)

    @property
    def hidden(self) -> bool:
        """Whether it is not shown, for what it or anything around it says."""
        said = any(
            "hidden" in one.attributes or _HIDDEN.search(one.attributes.get("style", "")) for one in self.line_of_ancestors
        )
        return said or self.machinery

    @property
    def text(self) -> str:
        """All text in it, on one line."""
        return " ".join("".join(one if isinstance(one, str) else one.text for one in self.content).split())


@dataclass(frozen=True, slots=True)
class Page:
    """The elements of a mail in the order in which they begin, its texts with what they stand in, and its faults of form."""

    elements: tuple[Element, ...]
    texts: tuple[tuple[Element, str], ...]
    faults: tuple[str, ...]

    @property
    def seen(self) -> Iterator[str]:
        """The texts that are shown."""
        return (text for element, text in self.texts if not element.hidden)

    def all(self, *tags: str) -> Iterator[Element]:
        """The elements with one of these tags."""
        return (element for element in self.elements if element.tag in tags)


def read_page(html: str) -> Page:
    """The page as every program but Outlook reads it, with the faults that either would see."""
    page = _parse(html)
    outlook = (f"{fault}, as Outlook reads it" for fault in _parse(as_outlook(html)).faults if fault not in page.faults)
    return Page(page.elements, page.texts, (*_conditionals(html), *page.faults, *outlook))


def as_outlook(html: str) -> str:
    """The HTML with what is for Outlook revealed, and what is not for it taken out."""
    pieces, end = [], 0
    while (start := _FOR_OUTLOOK.search(html, end)) is not None:
        pieces.append(html[end : start.start()])
        stop = _END.search(html, start.end())
        inside = html[start.end() : stop.start() if stop else len(html)]
        if not _NOT_OUTLOOK.search(start["condition"]):
            pieces.append(inside)
        end = stop.end() if stop else len(html)
    return "".join([*pieces, html[end:]])


def _conditionals(html: str) -> Iterator[str]:
    """Conditional comments that do not end before the next one begins."""
    starts = [found.end() for found in _FOR_OUTLOOK.finditer(html)]
    ends = [found.start() for found in _END.finditer(html)]
    for number, start in enumerate(starts):
        following = starts[number + 1] if number + 1 < len(starts) else len(html) + 1
        if not any(start <= end < following for end in ends):
            yield f"a conditional comment for Outlook is never ended ({_FOR_OUTLOOK.findall(html)[number][0]})"
    if len(ends) > len(starts):
        yield "a conditional comment for Outlook ends that was not begun"


def _parse(html: str) -> Page:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.page()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._elements: list[Element] = []
        self._texts: list[tuple[Element, str]] = []
        self._faults: list[str] = []
        self._open: list[Element] = []
        self._ids: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._check_place(tag)
        self._check_attributes(tag, attrs)
        parent = self._open[-1] if self._open else None
        element = Element(tag, {name: value or "" for name, value in reversed(attrs)}, parent)
        self._elements.append(element)
        if parent is not None:
            parent.content.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:  # `<o:AllowPNG/>` is Outlook's own
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if not any(one.tag == tag for one in self._open):
            self._faults.append(f"</{tag}> closes nothing{self._near()}")
            return
        while (closed := self._open.pop()).tag != tag:
            self._faults.append(f"<{closed.tag}> is not closed before </{tag}>{self._near()}")

    def handle_data(self, data: str) -> None:
        if self._open:
            self._open[-1].content.append(data)
            if data.strip():
                self._texts.append((self._open[-1], data))

    def page(self) -> Page:
        unclosed = [f"<{one.tag}> is never closed" for one in reversed(self._open)]
        return Page(tuple(self._elements), tuple(self._texts), tuple(dict.fromkeys([*self._faults, *unclosed])))

    def _check_place(self, tag: str) -> None:
        around = [one.tag for one in self._open]
        if tag == "a" and "a" in around:
            self._faults.append(f"a link stands within a link{self._near()}")
        if tag in _NOT_IN_P and "p" in around and not {"td", "th", "button", "object"} & set(around[around.index("p") :]):
            self._faults.append(f"<{tag}> stands within <p>, which ends there{self._near()}")

    def _check_attributes(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        for name in dict.fromkeys(name for name in names if names.count(name) > 1):
            self._faults.append(f"<{tag}> has the attribute {name} twice{self._near()}")
        mine = dict(attrs).get("id")
        if mine and mine in self._ids:
            self._faults.append(f"the id {mine!r} is given twice{self._near()}")
        self._ids.add(mine or "")

    def _near(self) -> str:
        text = " ".join(self._texts[-1][1].split()) if self._texts else ""
        return f" (after “{text[-40:]}”)" if text else ""

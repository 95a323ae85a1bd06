"""The editor's note: Markdown made into HTML that a mail may carry, and into plain text that says the same."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from markupsafe import Markup

from digest.rendering.cleaning import in_lines, one_line, web_address
from digest.rendering.columns import wrap
from digest.rendering.content import NoteContent

_TAGS = {"p", "br", "strong", "em", "a", "ul", "ol", "li", "blockquote", "code"}
_RULES = ("emphasis", "link", "autolink", "backticks", "list", "blockquote", "newline", "escape", "entity")
_OPENERS = ("bullet_list_open", "ordered_list_open", "blockquote_open")


@dataclass(frozen=True, slots=True)
class NoteView:
    """`note` in a template: `html` for the one part, `text` in lines of 72 columns for the other."""

    html: Markup
    text: str


def read_note(note: NoteContent) -> NoteView:
    """A note in both forms. Headings, pictures and HTML in it are not taken for such: the note stands between headings of ours."""
    import nh3

    markdown = in_lines(note.markdown)
    made = _markdown().render(markdown)
    cleaned = nh3.clean(
        made, tags=_TAGS, attributes={"a": {"href"}, "ol": {"start"}}, url_schemes={"http", "https", "mailto"}, link_rel=None
    )
    return NoteView(Markup(cleaned.strip()), _text(markdown))  # noqa: S704  # cleaned


@cache
def _markdown() -> Any:
    from markdown_it import MarkdownIt

    made = MarkdownIt("zero").enable(list(_RULES))
    made.validateLink = lambda url: _address(url) is not None  # type: ignore[method-assign]  # its own way to say so
    return made


def _address(address: str) -> str | None:
    """What a link in a mail can lead to: the web, or a mail address. "/about" leads nowhere from a mail."""
    scheme, _, rest = address.partition(":")
    return rest if scheme.lower() == "mailto" and "@" in rest else web_address(address)


def _text(markdown: str) -> str:
    """Paragraphs and entries of lists, wrapped; a link's address stands behind its words."""
    lists: list[int | None] = []  # the number of the next entry, None in a list without numbers
    marker = ""
    pieces: list[str] = []
    for token in _markdown().parse(markdown):
        if token.type in _OPENERS:
            lists.append(int(token.attrs.get("start", 1)) if token.type.startswith("ordered") else None)
        elif token.type in ("bullet_list_close", "ordered_list_close", "blockquote_close"):
            lists.pop()
            pieces += [] if lists else [""]
        elif token.type == "list_item_open":
            number = lists[-1]
            marker = "- " if number is None else f"{number}. "
            lists[-1] = None if number is None else number + 1
        elif token.type == "inline":
            indent = "  " * max(len(lists) - 1, 0)
            hang = indent + (" " * len(marker) if marker else "  " if lists else "")
            for line in "".join(_words(token.children)).splitlines() or [""]:
                pieces.append(_wrapped(line, indent + marker if marker else hang, hang))
                marker = ""
            pieces += [] if lists else [""]
    return "\n".join(pieces).strip()


def _words(tokens: list[Any]) -> Iterator[str]:
    address = None
    for token in tokens:
        if token.type == "link_open":
            address = _address(token.attrGet("href"))
        elif token.type == "link_close":
            if address is not None:
                yield f" ({address})"
            address = None
        elif token.type in ("text", "code_inline"):
            if address is not None and token.content.endswith(address):  # a bare address is not said twice
                address = None
            yield one_line(token.content) if token.type == "code_inline" else token.content
        elif token.type == "softbreak":
            yield " "
        elif token.type == "hardbreak":
            yield "\n"


def _wrapped(line: str, first: str, rest: str) -> str:
    """The line wrapped, with `first` before it and `rest`, as wide as that, before what follows."""
    return first + wrap(line, indent=rest).removeprefix(rest)

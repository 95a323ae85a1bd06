"""Partials: pieces of a template in files of their own, put where it names them before anything else reads it.

MJML names one as its authors expect, `<mj-include path="partials/card.mjml" />`; plain text as Jinja's do,
`{% include "partials/card.txt" %}`. Either stands on a line of its own, and its path begins at the folder of templates. The
compiler never sees one: it swallows what goes wrong with it, and a circle of them ends its process.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from digest.errors import TemplateError
from digest.rendering.source import Source, Stretch

LARGEST = 1_000_000
"""Bytes of a template's file, and characters of what its partials make of it."""
DEEPEST = 10
"""How many partials may stand within each other."""

HOW_TO_INCLUDE = '<mj-include path="partials/card.mjml" /> in MJML, {% include "partials/card.txt" %} in plain text'

Find = Callable[[str], Source | None]
"""Reads the file that a path names, from the first folder that has it."""

_PATH = re.compile(r"[A-Za-z0-9][\w.-]*(?:/[A-Za-z0-9][\w.-]*)*")
# A comment that is never closed goes to the end: looked for again at each beginning, a flood of them would take hours.
_IN_MJML = re.compile(
    r"<!--(?!\[if|<!\[|>).*?(?:-->|\Z)|\{#.*?(?:#\}|\Z)|(?P<tag><mj-include\b(?P<rest>[^<>]*)>(?:\s*</mj-include>)?)", re.DOTALL
)
_IN_TEXT = re.compile(r"\{#.*?(?:#\}|\Z)|(?P<tag>\{%-?\s*include\b(?P<rest>[^%]*?)-?%\})", re.DOTALL)
_REST_IN_MJML = re.compile(r"\s+path=(?P<quote>[\"'])(?P<path>[^\"']*)(?P=quote)\s*/?")
_REST_IN_TEXT = re.compile(r"\s*(?P<quote>[\"'])(?P<path>[^\"']*)(?P=quote)\s*")


@dataclass(frozen=True, slots=True)
class _Inclusion:
    """Where a source names a partial: from the start of its line to the end of it, in characters."""

    path: str
    start: int
    end: int
    line: int


def with_partials(source: Source, find: Find, within: tuple[str, ...] = ()) -> Source:
    """The source with every partial it names in its place, which knows the file and line of each of its lines.

    A partial that is missing, includes itself, or is too deep or too large is a TemplateError with file and line. `within` are
    the paths that lead here.
    """
    text: list[str] = []
    stretches: list[Stretch] = []
    lines = size = end = 0
    line = 1  # that `end` is in

    def put(piece: str, came_from: tuple[Stretch, ...]) -> None:
        nonlocal lines, size
        stretches.extend(Stretch(lines + one.first, one.file, one.line) for one in came_from)
        text.append(piece)
        lines += piece.count("\n")
        size += len(piece)

    for inclusion in _inclusions(source):
        put(source.text[end : inclusion.start], (Stretch(1, source.file, line),))
        joined = _partial(source, inclusion, find, within)
        put(joined.text.removesuffix("\n") + "\n", joined.stretches)
        line += source.text.count("\n", end, inclusion.end)
        end = inclusion.end
        if size > LARGEST:
            raise _error(source, inclusion.line, f"with {inclusion.path} this template has more than {LARGEST:,} characters")
    put(source.text[end:], (Stretch(1, source.file, line),))
    return Source(source.file, "".join(text), tuple(stretches))


def _partial(source: Source, inclusion: _Inclusion, find: Find, within: tuple[str, ...]) -> Source:
    path, chain = inclusion.path, (*within, inclusion.path)
    if path in within:
        raise _error(source, inclusion.line, f"{path} includes itself: {' → '.join(chain[chain.index(path) :])}")
    if len(chain) > DEEPEST:
        raise _error(source, inclusion.line, f"more than {DEEPEST} partials stand within each other here")
    ending = source.file.rpartition(".")[2]
    if not _PATH.fullmatch(path) or not path.endswith(f".{ending}"):
        raise _error(
            source, inclusion.line, f"{path!r} names no partial: write a path within templates/, as in partials/card.{ending}"
        )
    found = find(path)
    if found is None:
        raise _error(source, inclusion.line, f"there is no {path} in the project's templates/ nor among those that ship")
    return with_partials(found, find, chain)


def _inclusions(source: Source) -> Iterator[_Inclusion]:
    mjml = source.file.endswith(".mjml")
    line, before = 1, 0
    for tag in (_IN_MJML if mjml else _IN_TEXT).finditer(source.text):
        if tag["tag"] is None:
            continue
        line, before = line + source.text.count("\n", before, tag.start()), tag.start()
        rest = (_REST_IN_MJML if mjml else _REST_IN_TEXT).fullmatch(tag["rest"])
        if rest is None:
            raise _error(source, line, f"a partial is named by its path and nothing else, as in {HOW_TO_INCLUDE}")
        start, end = source.text.rfind("\n", 0, tag.start()) + 1, source.text.find("\n", tag.end())
        end = len(source.text) if end < 0 else end + 1
        if source.text[start : tag.start()].strip() or source.text[tag.end() : end].strip():
            raise _error(source, line, f"{rest['path']} is included beside something else: a partial has a line of its own")
        yield _Inclusion(rest["path"], start, end, line)


def _error(source: Source, line: int, what: str) -> TemplateError:
    return TemplateError(f"{source.place(line)}: {what}")

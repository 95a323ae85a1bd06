"""A mistake in a template: what is wrong, where, and how to mend it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Literal

from digest.errors import TemplateError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from digest.rendering.source import Source

_PLACED = re.compile(r"(?P<file>[^:]+), line (?P<line>\d+): (?P<what>.*)", re.DOTALL)

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake; `line` and `column` count from 1 and are None where they are not known, `tag` and `attribute` are empty where
    none is meant. `at` is its place in the template as it is read, for sorting.

    What MJML itself calls wrong, or its compiler refuses or spoils, is an error; what the compiler leaves out, or what
    makes a worse mail, is a warning.
    """

    severity: Severity
    file: str
    line: int | None
    column: int | None
    tag: str
    attribute: str
    what: str
    mend: str
    at: int = 0

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file}, line {self.line}"
        return f"{where}: {self.what}" + (f": {self.mend}" if self.mend else "")

    def as_error(self) -> TemplateError:
        """The same as an error to raise."""
        return TemplateError(str(self))


def mistake_at(
    source: Source, at: int, what: str, mend: str = "", *, tag: str = "", attribute: str = "", severity: Severity = "error"
) -> Mistake:
    """A mistake at a place in a source's text, counted in characters."""
    file, _, line = source.place_at(at).rpartition(", line ")
    column = at - source.text.rfind("\n", 0, at)
    return Mistake(severity, file, int(line), column, tag, attribute, what, mend, at)


def mistake_of_error(file: str, error: str) -> Mistake:
    """What an error says as a mistake; `file` is meant where it names none with a line."""
    found = _PLACED.fullmatch(error)
    if found is None:
        return Mistake("error", file, None, None, "", "", error.removeprefix(f"{file}: "), "")
    return Mistake("error", found["file"], int(found["line"]), None, "", "", found["what"], "")


def nearest(word: str, known: Iterable[str]) -> str:
    """The advice "did you mean ...?", or nothing where no known word is near."""
    found = get_close_matches(word, sorted(known), n=1, cutoff=0.7)
    return f"did you mean `{found[0]}`?" if found else ""

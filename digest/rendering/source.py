"""The text of a template, which knows where each of its lines was written."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stretch:
    """Lines of one file that stand together in a text: from the text's line `first` on, they are the file's from `line` on."""

    first: int
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Source:
    """A template's text: `file` is how messages name where it begins. Without `stretches` every line is of that file."""

    file: str
    text: str
    stretches: tuple[Stretch, ...] = ()

    def place(self, line: int) -> str:
        """Where a line of the text was written, as messages say it: `templates/weekly.mjml, line 3`."""
        at = bisect_right(self.stretches, line, key=lambda stretch: stretch.first)
        if not at:
            return f"{self.file}, line {line}"
        stretch = self.stretches[at - 1]
        return f"{stretch.file}, line {line - stretch.first + stretch.line}"

    def place_at(self, at: int) -> str:
        """The same for a place in the text, in characters from its beginning."""
        return self.place(self.text.count("\n", 0, at) + 1)

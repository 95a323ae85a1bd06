"""The subscribers' CSV file: its columns, its header and its lines.

A line is a row: a quote that is never closed spoils its own line and not the rest of the file, and no value of ours
has line breaks in it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from digest.audience.cells import restore
from digest.audience.text_file import LONGEST_LINE
from digest.errors import UsageError

COLUMNS = ("email", "name", "topics", "frequency", "timezone", "language", "confirmed")
"""The columns, in the order in which they are written; only the first is required."""

DELIMITERS = (",", ";", "\t")
"""What may stand between cells."""

_NOT_TEXT = re.compile("[\0\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file is laid out: what separates its cells, and which column each is."""

    delimiter: str
    columns: tuple[str, ...]

    def cells(self, line: str) -> dict[str, str] | None:
        """A line's cells by column, trimmed; None for an empty line, `UsageError` for a bad one. Missing cells are not in it."""
        values = self.values(line)
        return None if values is None else dict(zip(self.columns, values, strict=False))

    def values(self, line: str) -> list[str] | None:
        """The same, in the order of the columns."""
        values = _split(_text(line), self.delimiter)
        if not any(values):
            return None
        if len(values) > len(self.columns) and any(values[len(self.columns) :]):
            raise UsageError(
                f"has {len(values)} cells and the header has {len(self.columns)}: quote a cell that has a {self.delimiter!r} in it"
            )
        if "'" in line:
            values = [restore(value) for value in values]
        return values


def read_header(line: str) -> Layout:
    """The layout that a header line tells: the columns in any order and case, separated by `,` `;` or a tab."""
    line = _text(line.removeprefix("\ufeff"))
    layouts = possible_layouts(line)
    layout = max(layouts, key=lambda one: len(set(one.columns) & set(COLUMNS)))
    named = _without_empty_end(layout.columns)
    if not set(named) & set(COLUMNS):
        raise UsageError(f"the first line must be the header, such as {','.join(COLUMNS)}; it is {line.strip()[:80]!r}")
    _check(named)
    return Layout(layout.delimiter, named)


def possible_layouts(line: str) -> list[Layout]:
    """What a header line tells with each separator that it may have; columns are folded. `UsageError` when with none."""
    line = _text(line.removeprefix("\ufeff"))
    layouts = [layout for delimiter in DELIMITERS if (layout := _layout(line, delimiter))]
    if not layouts:
        raise UsageError("the header's quotes do not match")
    return layouts


def _layout(line: str, delimiter: str) -> Layout | None:
    try:
        return Layout(delimiter, tuple(" ".join(cell.casefold().split()) for cell in _split(line, delimiter)))
    except UsageError:
        return None


def _check(columns: Sequence[str]) -> None:
    unknown = [_suggest(column) for column in columns if column not in COLUMNS]
    if unknown:
        raise UsageError(f"the header has unknown columns: {', '.join(unknown)}; the columns are {', '.join(COLUMNS)}")
    twice = sorted({column for column in columns if columns.count(column) > 1})
    if twice:
        raise UsageError(f"the header has a column twice: {', '.join(twice)}")
    if "email" not in columns:
        raise UsageError(f"the header has no column 'email'; it has {', '.join(columns)}")


def _suggest(column: str) -> str:
    near = get_close_matches(column, COLUMNS, n=1)
    return f"{column[:64]!r}" + (f" (did you mean {near[0]!r}?)" if near else "")


def _without_empty_end(columns: tuple[str, ...]) -> tuple[str, ...]:
    """Spreadsheets write empty columns at the end of a table that was once wider."""
    while columns and not columns[-1]:
        columns = columns[:-1]
    return columns


def _text(line: str) -> str:
    if len(line) > LONGEST_LINE:
        raise UsageError(f"the line is longer than {LONGEST_LINE:,} characters")
    wrong = None if line.isascii() and "\0" not in line else _NOT_TEXT.search(line)
    if wrong and wrong[0] == "\0":
        raise UsageError("has a NUL character in it; save the file as UTF-8")
    if wrong:
        raise UsageError(
            f"is not UTF-8 (a byte {ord(wrong[0]) & 0xFF:#04x} at character {wrong.start() + 1}); save the file as UTF-8"
        )
    return line


def _split(line: str, delimiter: str) -> list[str]:
    if '"' not in line:
        return [cell.strip() for cell in line.split(delimiter)]
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter, strict=True, skipinitialspace=True))]
    except csv.Error:
        raise UsageError(
            "its quotes do not match: a quoted cell is closed on its own line, and a quote inside it is doubled"
        ) from None

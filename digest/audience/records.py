"""Records: the rows of a CSV file, put together from its lines where a quoted cell has line breaks in it.

A quote that is never closed spoils its own line and not the rest of the file: what was put together and is no row after
all is taken apart again.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterable, Iterator

from digest.audience.text_file import LONGEST_LINE

Record = tuple[int, str]
"""A row's text, with the number of its first line, counted from 1."""

_MOST_LINES = 1000


class Records:
    """The records of some lines. Without a `delimiter`, as long as that is not known, a quote that is closed is enough."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = enumerate(lines, start=1)
        self._back: deque[Record] = deque()
        self.delimiter: str | None = None

    def lines(self) -> Iterator[Record]:
        """What is left, line by line: for files in which no cell has line breaks."""
        while self._back:
            yield self._back.popleft()
        yield from self._lines

    def __iter__(self) -> Iterator[Record]:
        return self

    def __next__(self) -> Record:
        first = self._next()
        if first is None:
            raise StopIteration
        if '"' not in first[1] or first[1].count('"') % 2 == 0:
            return first
        return self._joined(first)

    def _joined(self, first: Record) -> Record:
        parts, length = [first], len(first[1])
        while length <= LONGEST_LINE and len(parts) < _MOST_LINES and (more := self._next()) is not None:
            parts.append(more)
            length += len(more[1])
            if more[1].count('"') % 2:
                whole = "".join(text for _, text in parts)
                if len(whole) <= LONGEST_LINE and self._is_row(whole):
                    return first[0], whole
                break
        self._back.extendleft(reversed(parts[1:]))
        return first

    def _is_row(self, text: str) -> bool:
        if self.delimiter is None:
            return True
        try:
            return len(list(csv.reader([text], delimiter=self.delimiter, strict=True, skipinitialspace=True))) == 1
        except csv.Error:
            return False

    def _next(self) -> Record | None:
        return self._back.popleft() if self._back else next(self._lines, None)

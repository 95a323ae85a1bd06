"""A list of what readers have had already: an article a line, or CSV with the columns `article` and `email`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from digest.audience.csv_file import Layout
from digest.errors import UsageError

COLUMNS = ("article", "email")
HEADLESS = "; should this be CSV, its first line must be its header: article and email, in the order of the columns"
_DELIMITERS = (",", ";", "\t")


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its number, counted from 1, and who had which article; `email` is None where the list does not say.

    `wrong` says why a line cannot be read. `headless` is one that may be a row of CSV, in a list without a header.
    """

    number: int
    article: str
    email: str | None = None
    wrong: str | None = None
    headless: bool = False


def parse_list(lines: Iterable[str]) -> Iterator[Line]:
    """The lines of a list that say something; it is CSV when its first line is a header with the column `article`."""
    layout: Layout | None = None
    for number, line in enumerate(lines, start=1):
        if number == 1:
            line = line.removeprefix("\ufeff")
            layout = _header(line)
            if layout is not None:
                continue
        if layout is None:
            yield from _plain(number, line)
        else:
            yield from _row(number, line, layout)


def _header(line: str) -> Layout | None:
    for delimiter in _DELIMITERS:
        named = tuple(cell.strip().strip('"').lower() for cell in line.strip().split(delimiter))
        if "article" in named:
            if sorted(named) not in (["article"], ["article", "email"]):
                raise UsageError(f"the header has {', '.join(named)}; the columns are {' and '.join(COLUMNS)}")
            return Layout(delimiter, named)
        if len(named) > 1 and "email" in named:
            raise UsageError(f"the header has {', '.join(named)} and no column 'article'")
    return None


def _plain(number: int, line: str) -> Iterator[Line]:
    try:
        cells = Layout("\n", ("article",)).cells(line)
    except UsageError as error:
        yield Line(number, "", wrong=str(error))
        return
    if cells is not None:
        yield Line(number, cells["article"], headless=any(delimiter in line for delimiter in _DELIMITERS))


def _row(number: int, line: str, layout: Layout) -> Iterator[Line]:
    try:
        cells = layout.cells(line)
    except UsageError as error:
        yield Line(number, "", wrong=str(error))
        return
    if cells is None:
        return
    article, email = cells.get("article", ""), cells.get("email")
    lacks = "article" if not article else "email" if "email" in layout.columns and not email else None
    yield Line(number, article, email, None if lacks is None else f"has no {lacks}")

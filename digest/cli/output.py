"""What a command prints: JSON, a table on a terminal, or plain lines."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any


def say(line: str = "") -> None:
    """One line of a report, control characters made harmless."""
    sys.stdout.write("".join(c if c.isprintable() or c == "\t" else "�" for c in line) + "\n")


def warn(line: str) -> None:
    """One line beside the report, on standard error."""
    sys.stderr.write("".join(c if c.isprintable() or c == "\t" else "�" for c in line) + "\n")


def print_json(data: Any) -> None:
    """The report as JSON, for programs."""
    import orjson

    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS
    sys.stdout.write(orjson.dumps(data, default=str, option=options).decode())


def print_json_list(rows: Iterable[Any]) -> None:
    """A list as JSON, a line for each of its members, however many there are."""
    import orjson

    before = "[\n"
    for row in rows:
        sys.stdout.write(before + orjson.dumps(row, default=str, option=orjson.OPT_NON_STR_KEYS).decode())
        before = ",\n"
    sys.stdout.write("[]\n" if before == "[\n" else "\n]\n")


_ROWS_DRAWN = 500
"""How many rows of a table are laid out together: of a million nobody waits for the last."""


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table on a terminal; elsewhere a line a row, cells separated by tabs."""
    texts = ([("" if cell is None else str(cell)) for cell in row] for row in rows)
    if not sys.stdout.isatty():
        for row in texts:
            say("\t".join(row))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console, first = Console(), True
    while (part := list(islice(texts, _ROWS_DRAWN))) or first:
        drawn = Table(*headings, box=None, header_style="dim", pad_edge=False, show_header=first)
        for row in part:
            drawn.add_row(*(Text(cell) for cell in row))
        console.print(drawn)
        first = False

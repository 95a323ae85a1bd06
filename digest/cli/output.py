"""What a command prints: JSON, a table on a terminal, or plain lines."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
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

    drawn = Table(*headings, box=None, header_style="dim", pad_edge=False)
    for row in texts:
        drawn.add_row(*(Text(cell) for cell in row))
    Console().print(drawn)

"""Cells of a CSV file that a spreadsheet opens: none may become a formula, and each must read back as it was.

A spreadsheet runs a cell that begins with `= + - @`, a tab or a carriage return (phpList CVE-2021-3188). Such a cell
is written with a `'` before it, which spreadsheets take for "this is text". A cell that begins with quotes and then
such a character gets one more, so that taking one off is always the way back.
"""

from __future__ import annotations

import re

_WOULD_RUN = re.compile(r"'*[=+\-@\t\r]")
_DEFUSED = re.compile(r"'+[=+\-@\t\r]")


def defuse(cell: str) -> str:
    """A cell that no spreadsheet runs."""
    return f"'{cell}" if _WOULD_RUN.match(cell) else cell


def restore(cell: str) -> str:
    """The cell that was defused."""
    return cell[1:] if _DEFUSED.match(cell) else cell

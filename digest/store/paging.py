"""Paging: a list that is too long for one page. Each page begins behind the key of the one before; none counts rows that it skips."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Some rows, and the key behind which the next page begins; None where this is the last.

    `unfinished`: so many rows were looked through that the rest is left to the next page, however few are shown on this one.
    """

    rows: tuple[Row, ...]
    after: str | None = None
    unfinished: bool = False

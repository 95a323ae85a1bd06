"""A format: what one tool exports, by its columns. Columns are compared without case."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from digest.audience.elsewhere.standing import Standing

Cell = Callable[[str], str]
"""The cell of a row by its column, trimmed; empty where the row or the file has none."""


@dataclass(frozen=True, slots=True)
class Judged:
    """How somebody stands, and in the tool's own words."""

    standing: Standing
    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """The export of one tool. Of columns with the same meaning the first that is there is used; a name may take several.

    `known_by` are sets of columns, any of which is the tool's alone. `judge` is given a row and what `hint` made of the
    file's name and columns. `status` are the columns that `judge` looks at.
    """

    name: str
    title: str
    known_by: tuple[frozenset[str], ...]
    judge: Callable[[Cell, str], Judged]
    hint: Callable[[str, frozenset[str]], str] = lambda _, __: ""
    email: tuple[str, ...] = ("email",)
    person: tuple[tuple[str, ...], ...] = (("name",),)
    status: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    timezone: tuple[str, ...] = ()
    opted_in: tuple[str, ...] = ()
    confirmed: tuple[str, ...] = ()
    origin: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()

    def recognises(self, columns: frozenset[str]) -> bool:
        """Whether these are its columns."""
        return any(known <= columns for known in self.known_by)

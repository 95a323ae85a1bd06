"""Looking up many ids: a few statements, none with more parameters than a store takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import ColumnElement

# How many values one statement names one by one; naming costs more than reading rows that nobody asked for.
MANY = 1_000


def among(column: ColumnElement[Any], ids: Iterable[int]) -> Iterator[ColumnElement[bool]]:
    """Conditions that together hold for the rows with `ids`, each row under one of them only.

    Runs of neighbouring ids, which is what long lists are made of, become ranges.
    """
    single: list[int] = []
    for first, last in _runs(sorted(set(ids))):
        if last - first < MANY // 100:
            single.extend(range(first, last + 1))
        else:
            yield column.between(first, last)
    for start in range(0, len(single), MANY):
        yield column.in_(single[start : start + MANY])


def _runs(ids: list[int]) -> Iterator[tuple[int, int]]:
    """`ids`, ascending, as runs without a gap."""
    first = last = None
    for each in ids:
        if first is None or last is None:
            first = last = each
        elif each == last + 1:
            last = each
        else:
            yield first, last
            first = last = each
    if first is not None and last is not None:
        yield first, last

"""Repeats: how often an address stood in some files that had stood there before; eight bytes for each are kept."""

from __future__ import annotations

from array import array
from collections.abc import Iterable

_PARTS = 64


class Repeats:
    """Counts them by a hash of each: the chance to take two addresses of ten million for one is in the millionths."""

    def __init__(self) -> None:
        self._parts = [array("q") for _ in range(_PARTS)]

    def add(self, addresses: Iterable[str]) -> None:
        """Some more that stood there."""
        parts = self._parts
        for number in map(hash, addresses):
            parts[number % _PARTS].append(number)

    def many(self) -> int:
        """How many of them had stood there before."""
        return sum(len(part) - len(set(part)) for part in self._parts)

"""What became of asking for an address."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of asking for an address: whether it was reached, how many bytes it says it has, and what was said."""

    reached: bool
    size: int | None = None
    said: str = ""

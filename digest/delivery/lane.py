"""A lane: one connection of a dispatch, and what it is doing just now."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import StrEnum

from digest.delivery.providers.answer import Answer
from digest.delivery.steps import Claimed


class Phase(StrEnum):
    """What a lane is doing."""

    IDLE = "idle"
    CLAIMING = "claiming"
    RESTING = "resting"  # there was nothing to claim just now
    HOLDING = "holding"
    MARKING = "marking"
    MARKED = "marked"
    SENDING = "sending"
    ANSWERED = "answered"
    KEPT = "kept"  # what was marked was not handed over


@dataclass(slots=True)
class Held:
    """A batch that was claimed: whom no lane has taken of it yet, how many lanes work on it, and whether it is of no use any more."""

    claimed: Claimed
    left: deque[int]
    lanes: int = 0
    outdated: bool = False


@dataclass(slots=True)
class Lane:
    """One connection: its phase, the batch it works on, whom it has taken of that, and what of these is under way."""

    phase: Phase = Phase.IDLE
    held: Held | None = None
    waiting: tuple[int, ...] = ()
    unit: tuple[int, ...] = ()
    answer: Answer | None = None

    @property
    def claimed(self) -> Claimed | None:
        """What it works on."""
        return None if self.held is None else self.held.claimed

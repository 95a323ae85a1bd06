"""A lane: one connection of a dispatch, and what it is doing just now."""

from __future__ import annotations

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
class Lane:
    """One connection: its phase, what it holds, and what of it is under way."""

    phase: Phase = Phase.IDLE
    claimed: Claimed | None = None
    waiting: tuple[int, ...] = ()
    unit: tuple[int, ...] = ()
    answer: Answer | None = None
    outdated: bool = False

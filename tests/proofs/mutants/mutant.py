"""What a mutant is, and the proof that most are caught by: simulated schedules."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from tests.proofs.simulation import run_seeds

SEEDS = 400

Patch = Callable[[], AbstractContextManager[Any]]


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mistake."""

    name: str
    patch: Patch
    prove: Callable[[], None]


def schedules() -> None:
    """Simulated schedules, until one does not hold."""
    run_seeds(1, SEEDS)

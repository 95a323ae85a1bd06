"""Rows of simulated schedules, in a process of their own: on the model, or on the real ledger."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.proofs.model import ModelArena
from tests.proofs.schedule import simulate
from tests.proofs.sql_arena import SqlArena
from tests.proofs.world import Arena


@contextmanager
def arenas() -> Iterator[tuple[SqlArena, ModelArena]]:
    """The real ledger, and the model of the same issue."""
    with tempfile.TemporaryDirectory(prefix="digest-simulation-") as folder:
        real = SqlArena(Path(folder))
        try:
            yield real, ModelArena(real.renditions, real.people, frozenset(real.addresses))
        finally:
            real.close()


def run_seeds(first: int, many: int, *, on_the_model: bool = False) -> Counter[str]:
    """Simulate a row of seeds; returns the states that all of them came to."""
    sums: Counter[str] = Counter()
    with arenas() as (real, model):
        arena: Arena = model if on_the_model else real
        for seed in range(first, first + many):
            try:
                sums += simulate(arena, seed)[1]
            except AssertionError as error:
                raise AssertionError(f"DIGEST_SIMULATION_SEED={seed}: {error}") from error
    return sums


def run_modelled(first: int, many: int) -> Counter[str]:
    """The same on the model."""
    return run_seeds(first, many, on_the_model=True)


def compare(first: int, many: int) -> int:
    """Run seeds on both; what arrived and where everybody stands must agree. Returns how many were compared."""
    with arenas() as (real, model):
        for seed in range(first, first + many):
            one, other = simulate(real, seed), simulate(model, seed)
            assert (one[0].arrived, one[1]) == (other[0].arrived, other[1]), f"DIGEST_SIMULATION_SEED={seed}: the model differs"
            assert real.states() == model.states(), f"DIGEST_SIMULATION_SEED={seed}: the model differs"
    return many

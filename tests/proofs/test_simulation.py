"""Thousands of drawn schedules, each with its deaths, delays and lies: what must hold, holds.

Most are run on a model of the ledger, a tenth of them on the real one in SQLite, and some on both, which must agree.
`DIGEST_SIMULATIONS=SEEDS` makes it longer; `DIGEST_SIMULATION_SEED=SEED` compares the one that failed.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TypeVar

import pytest

from tests.proofs.simulation import compare, run_modelled, run_seeds
from tests.proofs.telling import tell

pytestmark = pytest.mark.proof

SEEDS = int(os.environ.get("DIGEST_SIMULATIONS", "5000"))
ONLY = os.environ.get("DIGEST_SIMULATION_SEED")
T = TypeVar("T")


def in_rows(run: Callable[[int, int], T], seeds: int, at_once: int) -> Iterator[T]:
    """Run so many drawn seeds in rows, on every processor."""
    first = random.SystemRandom().randrange(1 << 40)
    print(f"seeds {first} to {first + seeds - 1}")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as processes:
        rows = range(first, first + seeds, at_once)
        yield from processes.map(run, rows, (min(at_once, first + seeds - row) for row in rows))


@pytest.mark.parametrize(
    ("where", "run", "seeds", "at_once"),
    [("the model", run_modelled, SEEDS, 1000), ("SQLite", run_seeds, SEEDS // 10, 100)],
    ids=["model", "sqlite"],
)
def test_no_schedule_sends_twice_loses_anybody_or_miscounts(
    where: str, run: Callable[[int, int], Counter[str]], seeds: int, at_once: int
) -> None:
    sums: Counter[str] = Counter()
    for found in in_rows(run, seeds, at_once):
        sums += found
    tell(f"simulation: {where}: {seeds:,} schedules, " + ", ".join(f"{count:,} {state}" for state, count in sorted(sums.items())))
    assert sums["accepted"] > sums["unknown"]  # each unknown one has its cause, by `check`; where most are, little else is proven


def test_the_model_means_what_the_ledger_means() -> None:
    compared = compare(int(ONLY), 1) if ONLY else sum(in_rows(compare, max(100, SEEDS // 50), 50))
    tell(f"simulation: model and SQLite compared: {compared:,} schedules, 0 differ")

"""Thousands of drawn schedules, each with its deaths, delays and lies: what must hold, holds.

`DIGEST_SIMULATIONS=SEEDS` makes it longer; `DIGEST_SIMULATION_SEED=SEED` repeats one that failed.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from tests.proofs.simulation import run_seeds
from tests.proofs.telling import tell

pytestmark = pytest.mark.proof

SEEDS = int(os.environ.get("DIGEST_SIMULATIONS", "5000"))
AT_ONCE = 100


def test_no_schedule_sends_twice_loses_anybody_or_miscounts() -> None:
    only = os.environ.get("DIGEST_SIMULATION_SEED")
    if only:
        run_seeds(int(only), 1)
        return
    first, sums = random.SystemRandom().randrange(1 << 40), Counter[str]()
    print(f"seeds {first} to {first + SEEDS - 1}")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as processes:
        rows = range(first, first + SEEDS, AT_ONCE)
        sizes = (min(AT_ONCE, first + SEEDS - row) for row in rows)
        for found in processes.map(run_seeds, rows, sizes):
            sums += found
    tell(f"simulation: {SEEDS:,} schedules, " + ", ".join(f"{count:,} {state}" for state, count in sorted(sums.items())))
    assert sums["accepted"] > sums["unknown"]

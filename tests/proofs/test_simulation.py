"""Thousands of drawn schedules, each with its deaths, delays and lies: what must hold, holds.

`DIGEST_SIMULATIONS=SEEDS` makes it longer; `DIGEST_SIMULATION_SEED=SEED` repeats one that failed.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tests.proofs.simulation import make_template, simulate

pytestmark = pytest.mark.proof


def test_no_schedule_sends_twice_loses_anybody_or_miscounts(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    template = make_template(project)
    only = os.environ.get("DIGEST_SIMULATION_SEED")
    first = int(only) if only else random.SystemRandom().randrange(1 << 40)
    many = 1 if only else int(os.environ.get("DIGEST_SIMULATIONS", "200"))
    print(f"seeds {first} to {first + many - 1}")
    for seed in range(first, first + many):
        try:
            simulate(template, tmp_path, seed)
        except AssertionError as error:
            raise AssertionError(f"DIGEST_SIMULATION_SEED={seed}: {error}") from error

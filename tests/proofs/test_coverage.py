"""Drawn lives of readers and articles: after every step nobody has an article twice, and every article has a place or a reason.

`DIGEST_LIVES_STEPS=STEPS` makes it longer; `DIGEST_LIVES_SEED=SEED` repeats the lives in which one failed, and shrinks it.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

from tests.proofs.coverage_mutants import MUTANTS, Mutant
from tests.proofs.lives_machine import ROW, STEPS, live, live_row, taken
from tests.proofs.telling import tell

pytestmark = pytest.mark.proof

WANTED = int(os.environ.get("DIGEST_LIVES_STEPS", "1000"))
ONLY = os.environ.get("DIGEST_LIVES_SEED")


def test_over_simulated_months_no_article_is_lost_and_none_comes_twice() -> None:
    steps, came_to = 0, Counter[str]()
    first = int(ONLY) if ONLY else random.SystemRandom().randrange(1 << 32)
    print(f"seeds from {first}")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as processes:
        while steps < (1 if ONLY else WANTED):
            many = 1 if ONLY else max(2, (WANTED - steps) // (ROW * STEPS))
            for done, sums in processes.map(live_row, range(first, first + many)):
                steps, came_to = steps + done, came_to + sums
            first += many
    tell(f"coverage: {steps:,} steps, " + ", ".join(f"{count:,} {what}" for what, count in sorted(came_to.items())))
    if not ONLY and steps >= 10_000:
        for what in (
            "accepted",
            "rejected",
            "unknown",
            "cancelled",
            "skipped",
            "left out (no topic)",
            "left out (away for too long)",
        ):
            assert came_to[what], f"no life came to {what!r}: they are too tame to prove anything"


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: one.name)
def test_the_mistake_is_caught(mutant: Mutant) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    with pytest.raises(AssertionError) as caught, mutant.patch():
        live(seed, 400, shrink=False)
    tell(f"coverage: mutant after {taken.total():,} steps: {mutant.name}: {str(caught.value).splitlines()[0]}")

"""A few drawn lives: the short form of `tests/proofs/test_coverage.py`. `DIGEST_LIVES_SEED=SEED` repeats them, and shrinks what failed."""

from __future__ import annotations

import os
import random

from tests.proofs.lives_machine import live


def test_in_a_few_lives_no_article_is_lost_and_none_comes_twice() -> None:
    only = os.environ.get("DIGEST_LIVES_SEED")
    seed = int(only) if only else random.SystemRandom().randrange(1 << 32)
    steps, came_to = live(seed, 3, shrink=only is not None)
    assert steps > 30
    assert came_to["accepted"] > 0

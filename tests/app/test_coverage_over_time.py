"""A few drawn lives: the short form of `tests/proofs/test_coverage.py`."""

from __future__ import annotations

import random

from tests.proofs.lives_machine import live


def test_in_a_few_lives_no_article_is_lost_and_none_comes_twice() -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    steps, came_to = live(seed, 3)
    assert steps > 30
    assert came_to["accepted"] > 0

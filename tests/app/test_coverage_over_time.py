"""A few drawn lives: the short form of `tests/proofs/test_coverage.py`. `DIGEST_LIVES_SEED=SEED` repeats them, and shrinks what failed."""

from __future__ import annotations

import os
import random
from collections import Counter

from tests.proofs.lives_machine import live

LIVES = 3
MOST = 10  # times as many: where nobody was sent anything it was bad luck, and more are drawn


def test_in_a_few_lives_no_article_is_lost_and_none_comes_twice() -> None:
    only = os.environ.get("DIGEST_LIVES_SEED")
    first = int(only) if only else random.SystemRandom().randrange(1 << 32)
    all_steps, came_to = 0, Counter[str]()
    for seed in range(first, first + (1 if only else MOST)):
        steps, found = live(seed, LIVES, shrink=only is not None)
        all_steps, came_to = all_steps + steps, came_to + found
        if came_to["accepted"]:
            break
    assert all_steps > 30
    assert only or came_to["accepted"] > 0

"""Trials: the runs after a fault, until nothing waits any more; many trials at once, since most of their time is waiting."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from tests.proofs.ground import NOW, Ground
from tests.proofs.invariants import Verdict
from tests.proofs.telling import tell

RUN = ("run", "--now", NOW)
MOST_RUNS = 40  # on a busy machine a time-out of a second may end several
AT_ONCE = 8
FORESEEN = frozenset({0, 1, 3, 4, 5})
_Of = TypeVar("_Of")


def bring_to_an_end(ground: Ground, environment: Mapping[str, str], before: Callable[[], object] = lambda: None) -> int:
    """Run, as cron would and as an operator who reads what it says, until nothing waits; returns how many runs it took."""
    for number in range(1, MOST_RUNS + 1):
        before()
        status = ground.run(*RUN, **environment)
        assert status in FORESEEN, f"exit {status}"
        if status == 3:
            assert ground.run("issues", "resume", "weekly/1") == 0
        elif status == 4:
            time.sleep(0.05)  # the server has not yet noticed that the one before is dead
        if status != 4 and not ground.waiting():
            return number
    raise AssertionError(f"something still waits after {MOST_RUNS} runs\n{ground.said()}")


def judge(ground: Ground, what: str) -> Verdict:
    """Whether all that must hold does; what does not is told with the fault and all that was said."""
    try:
        found = ground.judge()
        assert found.accepted + found.rejected + found.unknown == found.audience, found
    except AssertionError as error:
        raise AssertionError(f"{what}: {error}\n{ground.said()}") from error
    return found


def at_once(trial: Callable[[_Of], Counter[str]], of: Sequence[_Of]) -> list[Counter[str]]:
    """Make all trials, some at a time; what each came to. All that fail are told together."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        made = [pool.submit(trial, one) for one in of]
    wrong = [str(error) for one in made if (error := one.exception()) is not None]
    assert not wrong, f"{len(wrong)} of {len(made)} trials failed\n" + "\n\n".join(wrong)
    return [one.result() for one in made]


def thinned(places: Iterable[_Of], most: int) -> list[_Of]:
    """The places to try: all of them with `DIGEST_FAULTS=all`, else at most so many, evenly chosen, the first and last among them."""
    every = list(places)
    if os.environ.get("DIGEST_FAULTS") == "all" or len(every) <= most:
        return every
    return [every[round(number * (len(every) - 1) / (most - 1))] for number in range(most)]


def tell_sums(what: str, came_to: Iterable[Counter[str]]) -> None:
    """One line of the report."""
    sums = sum(came_to, Counter[str]())
    tell(
        f"faults: {what}: {sums['faults']:,} faults, {sums['runs']:,} runs until all had resumed,"
        f" {sums['messages']:,} messages, 0 twice, 0 lost, {sums['unknown']:,} unknown"
        f" ({sums['unknown_arrived']:,} of them arrived), {sums['rejected']:,} rejected"
    )

"""Drawn lives of readers and articles: after every step nobody has an article twice, and every article has a place or a reason.

`DIGEST_LIVES_STEPS=STEPS` makes it longer; `DIGEST_LIVES_SEED=SEED` repeats the lives in which one failed, and shrinks it.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from multiprocessing import get_context

import pytest

from digest.delivery.providers.answer import Outcome
from tests.proofs.coverage_mutants import MUTANTS, Mutant
from tests.proofs.lives import BEGINNINGS, MAX_ARTICLES, TOPICS, Lives
from tests.proofs.lives_judge import Judge
from tests.proofs.lives_machine import ROW, STEPS, live, live_row, taken
from tests.proofs.telling import tell

pytestmark = pytest.mark.proof

WANTED = int(os.environ.get("DIGEST_LIVES_STEPS", "10000"))
ONLY = os.environ.get("DIGEST_LIVES_SEED")
ENOUGH = 20_000
"""Of so many steps, the large form, everything that is rare must have come; where it has not, it was bad luck, and more are drawn."""

RARE = ("accepted", "rejected", "unknown", "cancelled", "skipped", "left out (no topic)", "left out (away for too long)")

Row = tuple[int, Counter[str]]


def test_over_simulated_months_no_article_is_lost_and_none_comes_twice() -> None:
    first = int(ONLY) if ONLY else random.SystemRandom().randrange(1 << 32)
    print(f"seeds from {first}")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as processes:
        steps, came_to = _drawn(first, 1 if ONLY else WANTED, lambda seeds: processes.map(live_row, seeds))
    tell(f"coverage: {steps:,} steps, " + ", ".join(f"{count:,} {what}" for what, count in sorted(came_to.items())))
    if steps >= ENOUGH:
        assert not _lacks(came_to), f"no life came to {_lacks(came_to)}: they are too tame to prove anything"


def _drawn(first: int, wanted: int, rows: Callable[[Sequence[int]], Iterable[Row]]) -> Row:
    """So many steps, and what they came to; up to five times as many where something rare has not come yet."""
    steps, came_to = 0, Counter[str]()
    while steps < wanted or (wanted >= ENOUGH and steps < 5 * wanted and _lacks(came_to)):
        many = max(1 if wanted == 1 else 2, (wanted - steps) // (ROW * STEPS))
        for done, sums in rows(range(first, first + many)):
            steps, came_to = steps + done, came_to + sums
        first += many
    return steps, came_to


def _lacks(came_to: Counter[str]) -> list[str]:
    return [what for what in RARE if not came_to[what]]


def test_what_is_rare_is_waited_for_before_lives_are_called_too_tame() -> None:
    tame = Counter(dict.fromkeys(RARE[1:], 1))

    def late(seeds: Sequence[int]) -> list[Row]:
        return [(1000, tame + Counter({RARE[0]: int(seed == 25)})) for seed in seeds]

    steps, came_to = _drawn(0, 20_000, late)
    assert 25_000 < steps <= 28_000
    assert not _lacks(came_to)
    assert _drawn(30, 20_000, late)[0] == 101_000
    assert _lacks(_drawn(30, 20_000, late)[1]) == [RARE[0]]
    assert _drawn(30, 4_000, late)[0] == 5_000, "where fewer are wanted, nothing is waited for"


@pytest.mark.parametrize("owed", [False, True])
def test_what_was_on_its_way_at_the_plan_and_expired_right_after_is_not_called_missing(owed: bool) -> None:
    """It waits with another newsletter, which the reader left, and whose issue expires after this one is planned: in one run."""
    lives = Lives(BEGINNINGS[1], unknown_arrives=False)
    judge = Judge(lives)
    reader, way = "u0@x.example", [1, 5, 31, 31] if owed else [1, 31, 31]
    lives.subscribe(reader, (), "weekly", slug="weekly")
    lives.subscribe(reader, (), "daily", slug="extra")
    lives.publish(("python",), lives.now, featured=False)
    lives.mailbox.moods[reader] = Outcome.DEFERRED
    for number, days in enumerate(way):
        lives.now += timedelta(days=days)
        lives.run()
        judge.look()
        if number == len(way) - 3:
            lives.leave(reader, "extra")
            lives.mailbox.moods.clear()
    assert lives.mailbox.got[reader] == {"n0": 1}
    lives.close()


@pytest.fixture
def lives() -> Iterator[Lives]:
    """Two readers of every day; one of them has had nothing yet."""
    made = Lives(BEGINNINGS[1], unknown_arrives=False)
    for reader in ("u0@x.example", "u1@x.example"):
        made.subscribe(reader, (), "daily")
    yield made
    made.close()


def _next_day(lives: Lives, judge: Judge, days: int = 1, news: int = 0) -> None:
    lives.now += timedelta(days=days)
    for _ in range(news):
        lives.publish(("python",), lives.now, featured=False)
    lives.run()
    judge.look()


def test_who_came_back_for_two_issues_of_one_run_may_be_considered_by_the_later_alone(lives: Lives) -> None:
    """The earlier was frozen while they were paused, and does not reach back to where they stand."""
    judge = Judge(lives)
    judge.look()
    lives.pause("u0@x.example", "weekly", lives.now + timedelta(days=7))
    _next_day(lives, judge, news=1)
    lives.publish(("python",), lives.now, featured=False)
    lives.fetch()
    lives.draft("weekly", "daily", approved=True)
    judge.look()
    _next_day(lives, judge, days=8)
    assert lives.mailbox.got["u0@x.example"] == {"n0": 1, "n1": 1}


def test_the_room_of_what_was_withdrawn_after_the_approval_stays_empty(lives: Lives) -> None:
    judge = Judge(lives)
    for number in range(MAX_ARTICLES):
        lives.publish((TOPICS[number % 2],), lives.now - timedelta(days=number), featured=False)
    lives.publish((TOPICS[1],), lives.now - timedelta(days=9), featured=False)
    lives.fetch()
    lives.draft("weekly", "daily", approved=True)
    lives.withdraw("n0")
    judge.look()
    _next_day(lives, judge)
    assert lives.mailbox.got["u0@x.example"] == {"n1": 1, "n2": 1}
    _next_day(lives, judge)
    assert lives.mailbox.got["u0@x.example"] == {"n1": 1, "n2": 1, "n3": 1}


def test_what_was_on_its_way_to_an_address_that_was_suppressed_then_has_a_reason(lives: Lives) -> None:
    """A later issue left it out, because it was on its way, and moved the reader on."""
    judge = Judge(lives)
    judge.look()
    lives.mailbox.moods["u0@x.example"] = Outcome.DEFERRED
    _next_day(lives, judge, news=1)
    lives.subscribe("u0@x.example", ("python",), "daily")
    lives.publish(("security",), lives.now, featured=False)
    _next_day(lives, judge)
    lives.suppress("u0@x.example")
    _next_day(lives, judge, days=7)
    assert "u0@x.example" not in lives.mailbox.got


def test_what_was_rejected_comes_back_when_its_issue_settles_and_is_not_lost_until_then(lives: Lives) -> None:
    """Another reader still waits, and a later issue has moved this one on meanwhile."""
    judge = Judge(lives)
    judge.look()
    lives.mailbox.moods |= {"u0@x.example": Outcome.UNKNOWN, "u1@x.example": Outcome.DEFERRED}
    _next_day(lives, judge, news=1)
    lives.mailbox.moods["u0@x.example"] = Outcome.ACCEPTED
    lives.subscribe("u1@x.example", ("python",), "daily")
    lives.publish(("security",), lives.now, featured=False)
    _next_day(lives, judge)
    lives.disturb("rejected")
    judge.look()
    for _ in range(5):
        _next_day(lives, judge, days=7)
    assert lives.mailbox.got["u0@x.example"] == {"n0": 1, "n1": 1}


def _live_long(seed: int) -> None:
    """A mistake that shows in few lives may need more of them than are enough as a rule."""
    for more in range(4):
        live(seed + more, 400, shrink=False)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda one: one.name)
def test_the_mistake_is_caught(mutant: Mutant) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    with pytest.raises(AssertionError) as caught, mutant.patch():
        _live_long(seed)
    tell(f"coverage: mutant after {taken.total():,} steps: {mutant.name}: {str(caught.value).splitlines()[0]}")

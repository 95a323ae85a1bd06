"""Three workers and two schedulers, one PostgreSQL: whoever is killed is started again, at random, and the server is restarted once.

`DIGEST_WORKERS_PROOF=SUBSCRIBERS` makes it as large as that and lets them go as fast as they can; `DIGEST_WORKERS_SEED=SEED` draws
the same again.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from tests.databases import Server
from tests.proofs.ground import NOW, TRANSPORTS, Ground, a_ground, a_seed
from tests.proofs.telling import tell
from tests.proofs.zygote import Zygote

pytestmark = pytest.mark.proof

LARGE = int(os.environ.get("DIGEST_WORKERS_PROOF", "0"))
PEOPLE = LARGE or 2500
RATE = 0 if LARGE else 400  # messages a second, of all together
KILLS = 40 if LARGE else 8
WORKERS, SCHEDULERS = 3, 2
SECONDS = 1200.0 if LARGE else 300.0
MOST_TO_END = 10.0
_LOOK = 0.2 if LARGE else 0.02  # seconds: to count what arrived takes a while where that is much
_FINE = {0, 1, 4, 5}  # 5: the server was away


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with pytest.MonkeyPatch.context() as patch, Zygote() as started:
        if LARGE:
            patch.setattr("tests.proofs.zygote.LONGEST", 1200)
        yield started


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_whatever_dies_nobody_gets_it_twice_and_nobody_is_lost(zygote: Zygote, postgresql: Server, transport: str) -> None:
    chance = int(os.environ.get("DIGEST_WORKERS_SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"DIGEST_WORKERS_SEED={chance}")
    with a_seed(zygote, "postgresql", PEOPLE, postgresql) as seed, a_ground(zygote, seed, transport) as ground:
        ground.environment |= {
            "DIGEST_DELIVERY__ENGINE": "workers",
            "DIGEST_DELIVERY__PATIENCE": "10s",
            "DIGEST_DELIVERY__RATE": str(RATE),
            "DIGEST_SCHEDULER__RUN_EVERY": "1m",
            "DIGEST_DELIVERY__BATCH": "50" if LARGE else "25",  # what a kill leaves in doubt is a request of each lane
        }
        crowd = Crowd(ground, postgresql, random.Random(chance))
        began = time.monotonic()
        try:
            crowd.work()
            took = time.monotonic() - began
            slowest = crowd.end()
        finally:
            crowd.kill()
        found = ground.judge()
    tell(
        f"workers: {transport}: {found.audience:,} messages in {took:.0f} s ({found.audience / took:,.0f}/s), {crowd.killed} kills of"
        f" {WORKERS} workers and {SCHEDULERS} schedulers, 1 restart of PostgreSQL, 0 twice, 0 lost, {found.unknown:,} unknown ({found.unknown_arrived:,} of them arrived);"
        f" the slowest end after SIGTERM {slowest:.1f} s"
    )
    assert crowd.killed >= KILLS // 4, "hardly anything was killed"
    assert crowd.restarted, "the server was never restarted"
    assert found.accepted + found.unknown == found.audience
    assert slowest < MOST_TO_END


@dataclass(slots=True)
class Crowd:
    """The processes of the trial."""

    ground: Ground
    server: Server
    draw: random.Random
    killed: int = 0
    restarted: bool = False
    _workers: list[int] = field(default_factory=list)
    _schedulers: list[int] = field(default_factory=list)
    _seen: list[tuple[float, int]] = field(default_factory=list)

    def work(self) -> None:
        """Until nothing waits any more, killing on the way."""
        self._workers = [self._start("worker") for _ in range(WORKERS)]
        self._schedulers = [self._start("scheduler") for _ in range(SCHEDULERS)]
        until, looked = time.monotonic() + SECONDS, 0.0
        while time.monotonic() < until:
            self._restart_whoever_ended()
            self._see()
            self._disturb()
            if time.monotonic() - looked > 10 * _LOOK + 1:
                looked = time.monotonic()
                if self._over():
                    return
            time.sleep(_LOOK)
        raise AssertionError(f"not at its end after {SECONDS} s: {self.ground.states()}\n{self.ground.said()[-3000:]}")

    def end(self) -> float:
        """Tell all of them to end; returns how long the slowest took."""
        began, slowest = time.monotonic(), 0.0
        for pid in (*self._workers, *self._schedulers):
            if self.ground.zygote.ended(pid) is None:
                os.kill(pid, signal.SIGTERM)
        for pid in (*self._workers, *self._schedulers):
            status = self.ground.zygote.wait(pid)
            # One that had only just begun does not listen to SIGTERM yet.
            assert status in {*_FINE, -signal.SIGKILL, -signal.SIGTERM}, f"exit {status}\n{self.ground.said()[-2000:]}"
            slowest = max(slowest, time.monotonic() - began)
        return slowest

    def kill(self) -> None:
        """Whatever has become of the trial, nothing of it lives on."""
        for pid in (*self._workers, *self._schedulers):
            if self.ground.zygote.ended(pid) is None:
                os.kill(pid, signal.SIGKILL)

    def _start(self, command: str) -> int:
        return self.ground.start(command, "--now", NOW)  # just after the slot, so that it is due at once

    def _restart_whoever_ended(self) -> None:
        for group, command in ((self._workers, "worker"), (self._schedulers, "scheduler")):
            for place, pid in enumerate(group):
                status = self.ground.zygote.ended(pid)
                if status is not None:
                    assert status in {*_FINE, -signal.SIGKILL}, f"{command}: exit {status}\n{self.ground.said()[-3000:]}"
                    group[place] = self._start(command)

    def _disturb(self) -> None:
        """Kill somebody now and then, once so many have arrived; restart the server when half of them have."""
        arrived = self.ground.count()
        if not self.restarted and arrived > PEOPLE // 2:
            self.restarted = True
            self.server.stop()
            self.server.start()
        if self.killed < KILLS and arrived > (self.killed + self.draw.random()) * PEOPLE / (KILLS + 1):
            pid = self.draw.choice(self._workers) if self.draw.random() < 0.9 else self.draw.choice(self._schedulers)
            if self.ground.zygote.ended(pid) is None:
                os.kill(pid, signal.SIGKILL)
                self.killed += 1

    def _see(self) -> None:
        """In no span of time does more arrive than the rate, whoever sends it."""
        if not RATE:
            return
        count, now = self.ground.count(), time.monotonic()  # in this order: what is counted arrived before
        for then, before in self._seen[-200:]:
            assert count - before <= RATE * (now - then) * 1.05 + _slack(), f"{count - before} in {now - then:.2f} s"
        self._seen.append((now, count))

    def _over(self) -> bool:
        """Whether nothing of the one issue waits any more."""
        return self.ground.count() > 0 and not self.ground.waiting()


def _slack() -> float:
    """What was saved up, a share for each worker, and a request of each lane."""
    return RATE * 0.1 + (WORKERS + 1) * max(RATE * 0.05, PEOPLE / 100) + 4 * WORKERS * max(1, PEOPLE // 100)

"""Real processes, real sockets, SIGKILL where the witness has counted so many: nobody gets an issue twice, nobody is lost.

On both stores and through both transports; in about half of the runs a carrier sends, and then either process is killed. `DIGEST_CRASH_LOOP=KILLS` makes it longer, `DIGEST_CRASH_LOOP_SEED=SEED`
draws the same again.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.databases import Server
from tests.proofs.ground import NOW, STORES, TRANSPORTS, Ground, a_ground, a_seed
from tests.proofs.telling import tell
from tests.proofs.zygote import Zygote

pytestmark = pytest.mark.proof

KILLS = int(os.environ.get("DIGEST_CRASH_LOOP", "400"))
KILLS_A_TRIAL = 50
FEWEST_A_TRIAL = 5  # a smaller audience may be through before the first kill is due
PEOPLE_A_KILL = 21
CONNECTIONS = 4
SECONDS_A_TRIAL = 300.0


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with Zygote() as started:
        yield started


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("store", STORES)
def test_whatever_is_killed_nobody_gets_it_twice_and_nobody_is_silently_lost(
    zygote: Zygote, postgresql: Server, store: str, transport: str
) -> None:
    chance = int(os.environ.get("DIGEST_CRASH_LOOP_SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"DIGEST_CRASH_LOOP_SEED={chance}")
    draw, sums = random.Random(chance), Counter[str]()
    while sums["kills"] < KILLS // 4:
        kills = min(max(KILLS // 4 - sums["kills"], FEWEST_A_TRIAL), KILLS_A_TRIAL)
        with a_seed(zygote, store, kills * PEOPLE_A_KILL, postgresql) as seed, a_ground(zygote, seed, transport) as ground:
            killed = run_and_kill(ground, draw, kills)
            found = ground.judge()
        assert killed, "a whole trial, and nothing was killed"
        sums.update(kills=killed, messages=found.audience, accepted=found.accepted, unknown=found.unknown)
        sums.update(unknown_arrived=found.unknown_arrived)
    tell(f"crash loop: {store} {transport}: " + ", ".join(f"{name} {count:,}" for name, count in sums.items()))
    assert sums["accepted"] + sums["unknown"] == sums["messages"]
    if transport == "smtp":
        assert sums["unknown"] <= CONNECTIONS * sums["kills"], "more than one in doubt for a connection that died"


def run_and_kill(ground: Ground, draw: random.Random, kills: int) -> int:
    """Run until nothing is left to send, killing `kills` runs on the way; returns how many were killed."""
    killed, until = 0, time.monotonic() + SECONDS_A_TRIAL
    while time.monotonic() < until:
        before = ground.count()
        pid = ground.start("run", "--now", NOW, **draw.choice(({}, {"DIGEST_CARRIER": "1"})))
        if killed < kills:
            killed += _kill_after(ground, pid, before + draw.randint(0, 2 * PEOPLE_A_KILL - 10), draw)
        status = ground.zygote.wait(pid)
        assert status in {-signal.SIGKILL, 0, 1, 4}, f"exit {status}\n{ground.said()[-2000:]}"
        if status in {0, 1} and ground.count() == before:
            return killed
    raise AssertionError(f"not at its end after {SECONDS_A_TRIAL} s and {killed} kills")


def _kill_after(ground: Ground, pid: int, fatal: int, draw: random.Random) -> bool:
    """Kill a process a moment after the witness has counted `fatal`; False when it ended by itself before."""
    checked = time.monotonic()
    while ground.count() < fatal:
        time.sleep(0.001)
        if time.monotonic() - checked > 0.05:
            checked = time.monotonic()
            if ground.zygote.ended(pid) is not None:
                return False
    time.sleep(draw.choice((0, 0, 0.001, 0.003, 0.01)))
    carriers = [int(child) for listed in Path(f"/proc/{pid}/task").glob("*/children") for child in listed.read_text().split()]
    if carriers and draw.random() < 0.5:
        with suppress(ProcessLookupError):
            os.kill(carriers[0], signal.SIGKILL)
        return True  # and the run goes on without it
    os.kill(pid, signal.SIGKILL)
    return ground.zygote.wait(pid) == -signal.SIGKILL

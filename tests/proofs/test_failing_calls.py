"""Our own calls fail: the Nth of each kind, for every N, and under every limit from the smallest to one that is enough.

The sockets' calls fail in Python, SQLite's beneath the real library, the limits are the kernel's; a commit fails at the
driver, kept or lost. The short form takes some of every N, `DIGEST_FAULTS=all` each.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import pytest

from tests.databases import Server
from tests.proofs.ground import Ground, Seed, a_ground, a_seed
from tests.proofs.telling import tell
from tests.proofs.trials import FORESEEN, RUN, at_once, bring_to_an_end, judge, tell_sums, thinned
from tests.proofs.zygote import Zygote

pytestmark = pytest.mark.proof

PEOPLE = 3
LANES = 2
MOST_LIMITS = 100
MOST = 6  # of every N, in the short form
SOCKETS = {
    "socket.create": ("EMFILE", "ENOBUFS"),
    "socket.connect": ("ECONNREFUSED", "ETIMEDOUT", "ENETUNREACH"),
    "socket.send": ("EPIPE", "ECONNRESET"),
    "socket.recv": ("ECONNRESET", "ETIMEDOUT"),
}
FILES = {
    "sqlite.open": ("EMFILE", "ENOSPC"),
    "sqlite.pread": ("EIO",),
    "sqlite.pwrite": ("ENOSPC", "EIO"),
    "sqlite.ftruncate": ("EIO",),
}
OTHERS = {"commit": ("kept", "lost"), "clock": ("",)}
KINDS = {("sqlite", "smtp"): SOCKETS | FILES | OTHERS, ("sqlite", "sendgrid"): SOCKETS, ("postgresql", "smtp"): OTHERS}
SETTINGS = {"DIGEST_DELIVERY__CONCURRENCY": str(LANES), "DIGEST_DELIVERY__RETRY_FIRST": "0s", "DIGEST_DELIVERY__PATIENCE": "0s"}


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with Zygote() as started:
        yield started


@pytest.mark.parametrize(("store", "transport"), KINDS)
def test_whichever_call_fails_the_next_run_goes_on_with_nobody_twice_and_nobody_lost(
    zygote: Zygote, postgresql: Server, store: str, transport: str
) -> None:
    with a_seed(zygote, store, PEOPLE, postgresql) as seed:
        counts = count_calls(zygote, seed, transport)
        faults = list(choose(KINDS[store, transport], counts))
        came_to = at_once(lambda fault: try_call(zygote, seed, transport, fault), faults)
    for name, hows in KINDS[store, transport].items():
        sums = [sums for fault, sums in zip(faults, came_to, strict=True) if fault.startswith(f"{name}:")]
        how = ", ".join(filter(None, hows)) or "an hour back"
        tell_sums(f"{transport} {store}: {name} ({how}) at {len(sums) // len(hows)} of {counts[name]} calls", sums)


def choose(kinds: Mapping[str, Sequence[str]], counts: Mapping[str, int]) -> Iterator[str]:
    """The faults to try: each kind at the Nth call, for every N or for some."""
    for name, hows in kinds.items():
        assert counts[name], f"{name} is never called"
        for how in hows:
            yield from (f"{name}:{nth}:{how}" for nth in thinned(range(1, counts[name] + 1), MOST))


def count_calls(zygote: Zygote, seed: Seed, transport: str) -> dict[str, int]:
    """How often a run makes each call."""
    with a_ground(zygote, seed, transport) as ground:
        path = ground.folder / "counts.json"
        assert ground.run(*RUN, **SETTINGS, DIGEST_FAULT_COUNTS=str(path)) == 0, ground.said()
        counts: dict[str, int] = json.loads(path.read_text(encoding="utf-8"))
        return counts


def try_call(zygote: Zygote, seed: Seed, transport: str, fault: str) -> Counter[str]:
    """One call of one run fails; what it came to."""
    with a_ground(zygote, seed, transport) as ground:
        status = ground.run(*RUN, **SETTINGS, DIGEST_FAULT=fault)
        assert status in FORESEEN, f"{fault}: exit {status}\n{ground.said()}"
        if status == 3:
            assert ground.run("issues", "resume", "weekly/1") == 0
        runs = 1 + bring_to_an_end(ground, SETTINGS)
        found = judge(ground, fault)
    assert found.unknown <= LANES, f"{fault}: {found}\n{ground.said()}"
    assert not found.rejected, f"{fault}: {found}"
    return found.sums(faults=1, runs=runs)


@pytest.mark.parametrize(
    ("limit", "step", "what"),
    [("DIGEST_NOFILE", 1, "open files"), ("DIGEST_FSIZE", 16_384, "bytes that a file may grow to")],
)
def test_under_every_limit_that_is_too_small_a_run_says_so_and_loses_nothing(
    zygote: Zygote, limit: str, step: int, what: str
) -> None:
    with a_seed(zygote, "sqlite", PEOPLE) as seed, a_ground(zygote, seed, "smtp") as ground:
        failed = step_up(ground, limit, step)
        bring_to_an_end(ground, SETTINGS)
        found = judge(ground, limit)
    assert failed
    tell(f"faults: smtp sqlite: too few {what}: {failed} limits one after another, 0 twice, 0 lost, {found.unknown} unknown")


def step_up(ground: Ground, limit: str, step: int) -> int:
    """Run under one limit after another until a run has nothing to complain of; returns how many were too small.

    No run leaves more in doubt than it has lanes; several one after another may, so each is counted by itself.
    """
    for number in range(1, MOST_LIMITS):
        before = ground.in_doubt()
        status = ground.run(*RUN, **SETTINGS, **{limit: str(number * step)})
        assert status in FORESEEN, f"{limit}={number * step}: exit {status}\n{ground.said()}"
        left = ground.in_doubt() - before
        assert left <= LANES, f"{limit}={number * step}: {left} more in doubt\n{ground.said()}"
        if status == 0:
            return number - 1
    raise AssertionError(f"no limit was large enough\n{ground.said()}")

"""Every named kill point, at its first, third and last time, on both stores and through both transports.

A process dies there; whoever comes after brings everything to its end; what must hold, holds.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import pytest

from tests.databases import Server
from tests.proofs.ground import NOW, STORES, TRANSPORTS, Ground, Seed, a_ground, a_seed
from tests.proofs.killpoints import KILLED, NAMES, ROOMS
from tests.proofs.telling import tell
from tests.proofs.zygote import Zygote

pytestmark = pytest.mark.proof

PEOPLE = 8  # one of a hundred is less than one: a request carries one of them, on either transport
CONNECTIONS = 4  # each has at most one in doubt when a process dies
COUNTED = 3  # runs that are counted: connections share a commit once more or less, and what each of them passes, nearly all will
TRIES = 10  # runs that are to die at one and the same time of a point, until one does
RUN = ("run", "--now", NOW)


@dataclass(frozen=True, slots=True)
class Scenario:
    """How a process comes to a kill point: what is done before, the command that may die and its settings; `many` go with a request."""

    name: str
    before: str | None
    command: tuple[str, ...]
    drained: bool = False
    many: int = 1
    settings: Mapping[str, str] = field(default_factory=dict)


# A death right after a mark leaves something to sweep, and something unknown to resolve.
SCENARIOS = (
    Scenario("a run", None, RUN),
    Scenario("the run after a death", "mark.committed:2", RUN),
    Scenario("resolving after a death", "mark.committed:2", ("issues", "resolve", "weekly/1", "--as", "accepted", "--now", NOW)),
    Scenario("a run that is told to stop", None, RUN, drained=True),
    Scenario("a run that is too late for its first three", None, RUN, settings={"DIGEST_KILLPOINT_LATE": "3"}),
)
BATCHES = Scenario("a run in requests of three", None, RUN, many=3)  # claimed and marked at one stroke
CARRIED = Scenario("a run with a carrier", None, RUN, settings={"DIGEST_CARRIER": "1"})  # either process may die
CARRIED_BATCHES = Scenario("a carrier with requests of three", None, RUN, many=3, settings={"DIGEST_CARRIER": "1"})
CANARY = Scenario(  # of the second request one is of the canary, and the others are unmarked
    "a canary in requests of three",
    None,
    RUN,
    many=3,
    settings={"DIGEST_DELIVERY__CANARY": "0.5", "DIGEST_DELIVERY__CANARY_WAIT": "0s"},
)
SENDING = ("claim", "mark", "connect", "body", "answer", "settle", "finish")
ELSEWHERE = {  # points that a plain run does not pass
    "sweep": SCENARIOS[1],
    "resolve": SCENARIOS[2],
    "give-back": SCENARIOS[3],
    "take-back": SCENARIOS[4],
    "unmark": CANARY,
}


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with Zygote() as started:
        yield started


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("store", STORES)
def test_a_death_at_any_point_costs_nobody_a_mail_and_brings_nobody_two(
    zygote: Zygote, postgresql: Server, store: str, transport: str
) -> None:
    deaths, lived, rooms = 0, 0, set[str]()
    with a_seed(zygote, store, PEOPLE, postgresql) as seed:
        more = (BATCHES, CARRIED, CARRIED_BATCHES, CANARY) if transport == "sendgrid" else ()  # a relay has no carrier
        for scenario in (*SCENARIOS, *more):
            for name, count in points_of(zygote, scenario, seed, transport).items():
                for nth in sorted({1, min(3, count), count}):
                    lived += die_at(zygote, seed, transport, scenario, name, nth)
                    deaths += 1
                rooms |= {name.partition(".")[0]} & ROOMS.keys()
    assert ROOMS.keys() - rooms == (set() if transport == "sendgrid" else {"unmark"})  # one by one, nobody is unmarked
    tell(f"kill points: {store} {transport}: {deaths} places, {deaths} deaths, {lived} runs did not come that far")


def die_at(zygote: Zygote, seed: Seed, transport: str, scenario: Scenario, name: str, nth: int) -> int:
    """A death at the nth time of a point; returns how many runs passed it less often, and came to their end."""
    for lived in range(TRIES):
        with a_ground(zygote, seed, transport) as ground:
            if die(ground, scenario, f"{name}:{nth}"):
                return lived
    raise AssertionError(f"{scenario.name}: {name} was not reached {nth} times in {TRIES} runs")


def points_of(zygote: Zygote, scenario: Scenario, seed: Seed, transport: str) -> dict[str, int]:
    """The points that a scenario is there for, and how often it passes each at least."""
    fewest: dict[str, int] = {}
    for _ in range(COUNTED):
        with a_ground(zygote, seed, transport) as ground:
            for name, count in count_points(ground, scenario).items():
                fewest[name] = min(count, fewest.get(name, count))
    return {name: count for name, count in fewest.items() if is_for(scenario, name.partition(".")[0])}


def count_points(ground: Ground, scenario: Scenario) -> Counter[str]:
    """How often one run passes each point."""
    prepare(ground, scenario)
    path = ground.folder / "counts.json"
    assert end(ground, scenario, DIGEST_KILLPOINT_COUNTS=str(path)) in {0, 1}, ground.said()
    counts: Counter[str] = Counter()
    for one in ground.folder.glob(f"{path.name}.*"):
        counts |= Counter(json.loads(one.read_text(encoding="utf-8")))  # a carrier and its parent count each for itself
    unknown = set(counts) - set(NAMES)
    assert not unknown, unknown
    return counts


def is_for(scenario: Scenario, room: str) -> bool:
    """Whether a scenario is there for the points of a room."""
    return room in SENDING if scenario in (BATCHES, CARRIED, CARRIED_BATCHES) else ELSEWHERE.get(room, SCENARIOS[0]) is scenario


def prepare(ground: Ground, scenario: Scenario) -> None:
    """Bring a ground to where the scenario begins."""
    if scenario.before is not None:
        assert ground.run(*RUN, DIGEST_KILLPOINT=scenario.before) == -signal.SIGKILL
        (ground.folder / KILLED).unlink()


def start(ground: Ground, scenario: Scenario, **environment: str) -> int:
    """The command that may die; where the scenario says so, it is told to stop when the first message arrived."""
    environment |= scenario.settings
    if scenario.many > 1:
        environment["DIGEST_DELIVERY__BATCH"] = str(scenario.many)
    if not scenario.drained:
        return ground.start(*scenario.command, **environment)
    pid = ground.start(*scenario.command, **environment, DIGEST_DELIVERY__RATE="20")
    until = time.monotonic() + 20
    while ground.count() == 0 and time.monotonic() < until and ground.zygote.ended(pid) is None:
        time.sleep(0.002)
    if ground.zygote.ended(pid) is None:
        os.kill(pid, signal.SIGTERM)
    return pid


def die(ground: Ground, scenario: Scenario, point: str) -> bool:
    """One death and all that follows; whether the point was reached."""
    prepare(ground, scenario)
    status = end(ground, scenario, DIGEST_KILLPOINT=point)
    assert status in {-signal.SIGKILL, 0, 1}, f"{point}: exit {status}\n{ground.said()}"
    try:
        assert when_unlocked(lambda: ground.run(*RUN)) in {0, 1}
        found = ground.judge()
    except AssertionError as error:
        raise AssertionError(f"{scenario.name}, {point}: {error}\n{ground.said()}") from error
    assert found.accepted + found.unknown == PEOPLE, f"{point}: {found}"
    deaths = 1 if scenario.before is None and "DIGEST_CARRIER" not in scenario.settings else 2  # who goes on may come there, too
    assert found.unknown <= CONNECTIONS * deaths * scenario.many, f"{point}: {found.unknown} unknown"
    return (ground.folder / KILLED).exists()


def end(ground: Ground, scenario: Scenario, **environment: str) -> int:
    """The exit status of the command that may die."""
    return when_unlocked(lambda: ground.zygote.wait(start(ground, scenario, **environment)))


def when_unlocked(run: Callable[[], int]) -> int:
    """The exit status of a run; on PostgreSQL the one that died before may hold its lock for a moment."""
    for _ in range(100):
        status = run()
        if status != 4:
            return status
        time.sleep(0.05)
    raise AssertionError("the lock of the dead is held for ever")

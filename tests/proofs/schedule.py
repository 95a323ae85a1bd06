"""A schedule of everything that may happen, drawn from one seed, in one thread and virtual time.

Which process runs next, when it dies (between turns, before or after a commit, before or after it handed a message over),
what the mail service answers, when the answer comes, whether it was true, when somebody unsubscribes, when an article is
withdrawn, when a process sleeps for longer than its lease, when a clock is set. The turns and the step machine are the
real ones.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from digest.delivery.allowance import Canary
from digest.delivery.ending import Ending
from digest.delivery.engines.local import pace
from digest.delivery.engines.turns import Turns
from digest.delivery.lane import Phase
from digest.delivery.providers.port import longest_send
from digest.delivery.steps import Drain
from digest.settings import Delivery
from tests.proofs.world import Arena, Died, Service, World

TURNS = 3000
UNSENT = {"planned", "claimed", "sending", "deferred"}


def simulate(arena: Arena, seed: int) -> tuple[World, Counter[str]]:
    """Run one seed to its end and look whether everything that must hold does; returns the states it came to."""
    world = World(random.Random(seed))
    arena.deadly = 0.0
    arena.begin(world)
    Schedule.drawn(arena, world).until_nothing_waits()
    arena.deadly = 0.0
    return world, check(world, *arena.conclude())


def check(world: World, states: Mapping[int, str], told: Counter[str]) -> Counter[str]:
    """The invariants, with the mail service as the truth; returns how many are in which state."""
    twice = {one: times for one, times in world.arrived.items() if times > 1}
    assert not twice, f"arrived twice: {twice}"
    assert not world.faults, world.faults
    for one, state in states.items():
        came = world.arrived[one] == 1
        assert state != "unknown" or one in world.doubted, f"{one} is unknown, and nothing ever left it in doubt"
        assert came or state != "accepted", f"{one} is accepted and never arrived"
        assert not came or state in {"accepted", "unknown"}, f"{one} arrived and is {state}"
        assert not (came and one in world.left_before_mark), f"{one} had left before the mark and still got it"
    found = Counter(states.values())
    assert told == found, f"the history tells {dict(told)} and the rows are {dict(found)}"
    return found


@dataclass(slots=True)
class Schedule:
    """How often what happens in this world, and the processes that live in it."""

    arena: Arena
    world: World
    settings: Delivery
    setting_clocks: float
    deadly: float
    withdrawing: float
    processes: list[tuple[Turns, Service]] = field(default_factory=list)

    @classmethod
    def drawn(cls, arena: Arena, world: World) -> Schedule:
        """A schedule of its own for this world."""
        draw = world.draw
        return cls(
            arena,
            world,
            Delivery(concurrency=draw.randint(1, 3)),
            draw.choice((0.0, 0.0, 0.003)),
            draw.choice((0.0, 0.01, 0.05)),
            draw.choice((0.0, 0.0, 0.0, 0.005, 0.05)),
        )

    def until_nothing_waits(self) -> None:
        """Let things happen until every delivery has come to its end."""
        for turn in range(TURNS):
            self.arena.deadly = 0.0
            if turn % 10 == 0 and self._is_settled():
                self._let_all_end()
                if self._is_settled():  # what was called unknown and had not left may have been planned anew meanwhile
                    return
            self._let_happen()
            if len(self.processes) < 2 and (not self.processes or self.world.chance(0.05)):
                self._start()
            self.arena.deadly = self.deadly
            self._turn(*self.world.draw.choice(self.processes))
        raise AssertionError(f"something still waits after {TURNS} turns")

    def _is_settled(self) -> bool:
        return UNSENT.isdisjoint(self.arena.states().values())

    def _let_all_end(self) -> None:
        """With nothing left to send, every process comes to its end by itself."""
        for _ in range(TURNS):
            if not self.processes:
                return
            self._turn(*self.processes[0])
        raise AssertionError(f"a process has nothing to do, and has not ended after {TURNS} turns")

    def _let_happen(self) -> None:
        """What comes from outside: sleep, clocks that are set, people who leave, articles that go."""
        world, draw = self.world, self.world.draw
        if world.chance(0.02):
            world.now += timedelta(seconds=draw.choice((1, 40, 2000)))  # asleep, for longer than a lease or a deadline
        if self.processes and world.chance(0.005):
            draw.choice(self.processes)[0].machine.hear(Drain("told to stop"), world.now)
        if world.chance(self.setting_clocks):
            world.ahead += timedelta(hours=draw.choice((-1, -1, 1)), minutes=1)  # never back to where it was
        if world.chance(0.02):
            self._unsubscribe_somebody()
        if world.chance(self.withdrawing):
            article = draw.choice(sorted(self.arena.articles()))
            marked = self._marked()  # by a process that lives, though another may have given them up
            world.withdrawn.setdefault(article, self.arena.withdraw(article) | marked)

    def _turn(self, turns: Turns, service: Service) -> None:
        """One turn of a process, unless it dies in it or comes to its end."""
        held = _under_way(turns)
        try:
            if turns.machine.ending is Ending.DRAINED and self.world.chance(0.1):
                self.world.doubted |= {person.subscriber_id for _, job, _, _ in service.waiting for person in job.people}
                turns.abandon("no answer came in time")
            turns.turn()
        except Died:
            self.world.doubted |= held | _under_way(turns)
            self.processes.remove((turns, service))
            return
        service.turned_at = self.world.now
        doubted = {one for one in service.untouched if self.arena.states()[one] == "unknown"}
        self.world.faults += [f"{one} was not handed over, and is unknown" for one in doubted]
        if turns.machine.finished:
            self.processes.remove((turns, service))

    def _start(self) -> None:
        """A new process: takes over what is dead, plans what was deferred, and begins."""
        world = self.world
        in_time = self._waiting_in_time()
        owner = f"process-{int(world.draw.random() * (1 << 30))}"
        dead, everything = not self.processes and world.chance(0.7), world.chance(0.5)
        replanned_at = None if everything else world.clock()
        books = self.arena.start(owner, swept_at=world.clock(), others_are_dead=dead, replanned_at=replanned_at)
        if in_time:
            given_up = {one for one, state in self.arena.states().items() if one in in_time and state == "unknown"}
            world.faults += [f"{one} was given up while its answer was waited for" for one in given_up]
        service = Service(world, self.arena, self.deadly)
        bounds = pace(self.settings, world.draw.choice((1, 1, 3)), alone=world.draw.choice((True, False)))
        allowances = (Canary(world.draw.randint(1, 4)),) if world.chance(0.2) else ()
        turns = Turns(books, service, self.arena.envelopes(), self.settings, bounds, world.steady_clock(), allowances)
        self.processes.append((turns, service))

    def _marked(self) -> set[int]:
        """Those whose mark a living process has been told of, and who were not handed over yet."""
        lanes = (lane for turns, _ in self.processes for lane in turns.machine.lanes)
        jobs = (job for _, service in self.processes for _, job, _ in service.queued)
        told = {one for lane in lanes if lane.phase is Phase.MARKED for one in lane.unit}
        return told | {person.subscriber_id for job in jobs for person in job.people}

    def _waiting_in_time(self) -> set[int]:
        """Those whose answer a living process may still wait for, however slow the service is; while clocks agree.

        A send that has begun may take the longest that the settings give it, and nobody may call it lost before.
        """
        if self.world.ahead:
            return set()
        longest, now = longest_send(self.settings), self.world.now
        jobs = (job for _, service in self.processes for _, job, _, since in service.waiting if now - since < longest)
        return {person.subscriber_id for job in jobs for person in job.people}

    def _unsubscribe_somebody(self) -> None:
        """Somebody leaves; when their delivery is not marked at that moment, nothing may arrive any more."""
        states = self.arena.states()
        one = self.world.draw.choice(sorted(states))
        self.arena.unsubscribe(one)
        if states[one] in {"planned", "claimed", "deferred"}:
            self.world.left_before_mark.add(one)


def _under_way(turns: Turns) -> set[int]:
    """Those whom a process has marked, or was marking, and has not settled."""
    return {one for lane in turns.machine.lanes for one in lane.unit}

"""The world of the simulation: time, chance, what keeps the deliveries, and the mail service, which is the witness."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from digest.delivery.engines import turns
from digest.delivery.engines.books import Books
from digest.delivery.engines.lanes import Job
from digest.delivery.providers.answer import Answer, Outcome, Trouble
from digest.delivery.steps import Answered, Heard, NotHandedOver

# When a delivery is marked, its deadline is at most the longest that a send may take and this later; and what is begun has to
# end by its deadline. So nothing is begun that was marked longer ago than this.
MARGIN = turns.MARGIN
BEGINNING = datetime(2026, 11, 23, 9, tzinfo=UTC)


class Died(Exception):
    """The simulated process was killed here."""


@dataclass(slots=True)
class World:
    """What the processes share: the time, the chance, and the mail service that counts.

    `now` only goes forward; the wall clock, which anybody may set, is `ahead` of it, or behind.
    """

    draw: random.Random
    now: datetime = BEGINNING
    ahead: timedelta = timedelta(0)
    arrived: Counter[int] = field(default_factory=Counter)
    left_before_mark: set[int] = field(default_factory=set)
    withdrawn: dict[int, set[int]] = field(default_factory=dict)  # each with those who were marked by then
    faults: list[str] = field(default_factory=list)
    doubted: set[int] = field(default_factory=set)  # whose answer was lost, or was not waited for, or whose process died

    def clock(self) -> datetime:
        """The wall clock; it never stands still."""
        return self.steady_clock()()

    def steady_clock(self) -> Callable[[], datetime]:
        """The clock of one process: the wall clock as it is now, and from here on nobody sets it."""
        ahead = self.ahead

        def read() -> datetime:
            self.now += timedelta(microseconds=1 + int(self.draw.random() * 500))
            return self.now + ahead

        return read

    def chance(self, probability: float) -> bool:
        """Whether something happens."""
        return self.draw.random() < probability


class Arena(Protocol):
    """Where the deliveries of one issue are kept. `deadly`: the chance that a process dies at either side of a commit."""

    deadly: float

    def begin(self, world: World) -> None:
        """Everybody is planned."""
        ...

    def articles(self) -> Collection[int]:
        """What may be withdrawn."""
        ...

    def states(self) -> Mapping[int, str]:
        """Where each delivery stands, in order."""
        ...

    def unsubscribe(self, one: int) -> None:
        """Somebody leaves."""
        ...

    def withdraw(self, article: int) -> set[int]:
        """An article goes; returns who is marked at that moment."""
        ...

    def start(self, owner: str, *, swept_at: datetime, others_are_dead: bool, replanned_at: datetime | None) -> Books:
        """The books of a new process, which takes over what died; `replanned_at` None: everything deferred is planned."""
        ...

    def envelopes(self) -> Any:
        """What makes envelopes."""
        ...

    def articles_in(self, rendition: Any) -> Collection[int]:
        """What a message holds."""
        ...

    def conclude(self) -> tuple[Mapping[int, str], Counter[str]]:
        """Where everybody stands at the end, and where the history says they do; whatever else must hold is asserted."""
        ...


@dataclass(slots=True)
class Service:
    """The lanes of one process and the mail service behind them: takes jobs, answers some time, or never.

    A job lies in its lane's queue for a while, and is begun when it is its turn; in `waiting` stands since when.
    """

    world: World
    arena: Arena
    deadly: float
    turned_at: datetime = BEGINNING  # the end of its process's last turn: what it is given now was marked by then
    queued: list[tuple[int, Job, datetime]] = field(default_factory=list)
    waiting: list[tuple[int, Job, Answer, datetime]] = field(default_factory=list)
    kept: list[tuple[int, Job]] = field(default_factory=list)  # not handed over, and its process has not heard of it
    untouched: set[int] = field(default_factory=set)  # whom a turn was told of as not handed over

    def send(self, lane: int, job: Job) -> None:
        """Take a job into its lane's queue."""
        if self.world.chance(self.deadly):
            raise Died  # marked, and not a byte has left
        self.queued.append((lane, job, self.turned_at))

    def recall(self) -> None:
        """What still lies in a queue stays there."""
        self.kept += [(lane, job) for lane, job, _ in self.queued]
        self.queued.clear()

    def hear(self, seconds: float) -> list[Heard]:
        """Some of the answers that are on their way, and what was not handed over."""
        self._begin_some()
        heard: list[Heard] = [NotHandedOver(lane) for lane, _ in self.kept]
        self.untouched = {person.subscriber_id for _, job in self.kept for person in job.people}
        self.kept.clear()
        if not self.waiting or self.world.chance(0.4):
            self.world.now += timedelta(seconds=0 if heard else seconds)
            return heard
        lane, _, answer, _ = self.waiting.pop(int(self.world.draw.random() * len(self.waiting)))
        return [*heard, Answered(lane, answer)]

    def _begin_some(self) -> None:
        """Those lanes whose turn it is; what arrives of a job and what is said of it are drawn then."""
        lying, self.queued = self.queued, []
        for lane, job, marked_by in lying:
            if self.world.chance(0.2):
                self.queued.append((lane, job, marked_by))
            elif job.in_time():
                self._begin(lane, job, marked_by)
            else:
                self.kept.append((lane, job))

    def _begin(self, lane: int, job: Job, marked_by: datetime) -> None:
        if not self.world.ahead and self.world.now - marked_by > MARGIN:
            self.world.faults.append(f"{[one.subscriber_id for one in job.people]} were handed over after their deadline")
        self._look(job)
        self.waiting.append((lane, job, self._fate(job), self.world.now))
        if self.world.chance(self.deadly):
            raise Died  # handed over, and the answer will never be heard

    def _look(self, job: Job) -> None:
        """Nobody gets an empty mail, and of what was withdrawn before they were marked nothing."""
        held = self.arena.articles_in(job.rendition)
        whose = {envelope.subscriber_id for envelope in job.envelopes(job.rendition)}
        if not held:
            self.world.faults.append(f"{whose} were sent an empty mail")
        for article, marked in self.world.withdrawn.items():
            if article in held and whose - marked:
                self.world.faults.append(f"{whose - marked} were sent article {article} after it was withdrawn")
            marked -= whose

    def _fate(self, job: Job) -> Answer:
        everyone = len(job.people)
        kinds = ("taken", "mixed", "later", "refused", "unreached", "lost", "lost but taken")
        kind = self.world.draw.choices(kinds, (60, 8, 8, 2, 4, 3, 3))[0]
        if kind in {"taken", "lost but taken"}:
            self._arrive(job, range(everyone))
        match kind:
            case "taken":
                return Answer((Outcome.ACCEPTED,) * everyone, "250 ok")
            case "mixed":
                drawn = (Outcome.ACCEPTED, Outcome.REJECTED, Outcome.DEFERRED)
                outcomes = tuple(self.world.draw.choice(drawn) for _ in range(everyone))
                self._arrive(job, [place for place, outcome in enumerate(outcomes) if outcome is Outcome.ACCEPTED])
                return Answer(outcomes, "550 some")
            case "later":
                return Answer((Outcome.DEFERRED,) * everyone, "421 later", trouble=Trouble.THROTTLED)
            case "refused":
                return Answer((Outcome.DEFERRED,) * everyone, "554 content", trouble=Trouble.CONTENT)
            case "unreached":
                return Answer((Outcome.DEFERRED,) * everyone, "refused", trouble=Trouble.CONNECTION)
            case _:
                self.world.doubted |= {person.subscriber_id for person in job.people}
                return Answer((Outcome.UNKNOWN,) * everyone, "connection lost after the final dot")

    def _arrive(self, job: Job, places: range | list[int]) -> None:
        for place in places:
            self.world.arrived[job.people[place].subscriber_id] += 1

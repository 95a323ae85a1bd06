"""A deterministic simulation of sending: the real turns, step machine, ledger and SQLite, in one thread and virtual time.

Everything that may happen is drawn from one seed: which process runs next, when it dies (between turns, before or after
a commit, before or after it handed a message over), what the mail service answers, when the answer comes, whether it was
true, when somebody unsubscribes, when an article is withdrawn, when a process sleeps for longer than its lease. The
witness is the mail service.
"""

from __future__ import annotations

import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

from sqlalchemy import Connection, select, update

from digest.app import App
from digest.app.fetching import fetch
from digest.app.issuing import approve, coming_slot, draft
from digest.audience.people import subscribe
from digest.delivery import shelf as shelf_module
from digest.delivery import upkeep
from digest.delivery.engines.lanes import Job
from digest.delivery.engines.local import pace
from digest.delivery.engines.turns import Turns
from digest.delivery.envelopes import EnvelopeMaker
from digest.delivery.ledger import Ledger
from digest.delivery.plan import plan
from digest.delivery.providers.answer import Answer, Outcome, Trouble
from digest.delivery.providers.port import longest_send
from digest.delivery.settling import conclude
from digest.delivery.shelf import Shelf
from digest.delivery.steps import Answered
from digest.delivery.withdrawal import withdraw
from digest.issues.issue import Issue, blocks_of, find_issue, frozen_of
from digest.issues.owed import parse_owed
from digest.issues.withdrawn import withdrawn_from
from digest.settings import Delivery
from digest.settings.project import init_project
from digest.settings.reading import read_settings
from digest.store import tables
from digest.store.database import Store

AUDIENCE = 10
BEGINNING = datetime(2026, 11, 23, 9, tzinfo=UTC)
TURNS = 3000
UNSENT = {"planned", "claimed", "sending", "deferred"}


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
    addresses: dict[int, str] = field(default_factory=dict)
    withdrawn: dict[int, set[int]] = field(default_factory=dict)  # each with those who were marked by then
    faults: list[str] = field(default_factory=list)

    def clock(self) -> datetime:
        """The wall clock; it never stands still."""
        return self.steady_clock()()

    def steady_clock(self) -> Callable[[], datetime]:
        """The clock of one process: the wall clock as it is now, and from here on nobody sets it."""
        ahead = self.ahead

        def read() -> datetime:
            self.now += timedelta(microseconds=self.draw.randint(1, 500))
            return self.now + ahead

        return read

    def chance(self, probability: float) -> bool:
        """Whether something happens."""
        return self.draw.random() < probability


class MortalStore(Store):
    """A store whose process may die before or after a commit. One for all seeds: what it has compiled it keeps."""

    world: World
    deadly = 0.0

    def begin_anew(self, template: Path) -> None:
        """Hold what the template holds."""
        assert self.path is not None
        self.close()
        for leftover in self.path.parent.glob(f"{self.path.name}*"):
            leftover.unlink()
        shutil.copyfile(template, self.path)

    @contextmanager
    def writing(self, *, together: bool = False) -> Iterator[Connection]:
        with super().writing(together=together) as connection:
            yield connection
            if self.world.chance(self.deadly):
                raise Died  # before the commit: nothing of it holds
        if self.world.chance(self.deadly):
            raise Died


@dataclass(slots=True)
class Service:
    """The mail service as one process sees it: takes jobs, answers some time, or never."""

    world: World
    deadly: float
    waiting: list[tuple[int, Job, Answer, datetime]] = field(default_factory=list)

    def send(self, lane: int, job: Job) -> None:
        """Take a job; whether it arrives and what is said of it are drawn now."""
        if self.world.chance(self.deadly):
            raise Died  # marked, and not a byte has left
        self._look(job)
        self.waiting.append((lane, job, self._fate(job), self.world.now))
        if self.world.chance(self.deadly):
            raise Died  # handed over, and the answer will never be heard

    def _look(self, job: Job) -> None:
        """Nobody gets an empty mail, and of what was withdrawn before they were marked nothing."""
        text = "".join(job.rendition.text.literals)
        held = {article for article, address in self.world.addresses.items() if address in text}
        whose = {envelope.subscriber_id for envelope in job.envelopes}
        if not held:
            self.world.faults.append(f"{whose} were sent an empty mail")
        for article, marked in self.world.withdrawn.items():
            if article in held and whose - marked:
                self.world.faults.append(f"{whose - marked} were sent article {article} after it was withdrawn")
            marked -= whose

    def hear(self, seconds: float) -> list[Answered]:
        """Some of the answers that are on their way."""
        if not self.waiting or self.world.chance(0.4):
            self.world.now += timedelta(seconds=seconds)
            return []
        number = self.world.draw.randrange(len(self.waiting))
        lane, _, answer, _ = self.waiting.pop(number)
        return [Answered(lane, answer)]

    def _fate(self, job: Job) -> Answer:
        everyone = len(job.envelopes)
        kind = self.world.draw.choices(
            ("taken", "mixed", "later", "refused", "unreached", "lost", "lost but taken"), (60, 8, 8, 2, 4, 3, 3)
        )[0]
        if kind in {"taken", "lost but taken"}:
            self._arrive(job, range(everyone))
        match kind:
            case "taken":
                return Answer((Outcome.ACCEPTED,) * everyone, "250 ok")
            case "mixed":
                outcomes = tuple(
                    self.world.draw.choice((Outcome.ACCEPTED, Outcome.REJECTED, Outcome.DEFERRED)) for _ in range(everyone)
                )
                self._arrive(job, [place for place, outcome in enumerate(outcomes) if outcome is Outcome.ACCEPTED])
                return Answer(outcomes, "550 some")
            case "later":
                return Answer((Outcome.DEFERRED,) * everyone, "421 later", trouble=Trouble.THROTTLED)
            case "refused":
                return Answer((Outcome.DEFERRED,) * everyone, "554 content", trouble=Trouble.CONTENT)
            case "unreached":
                return Answer((Outcome.DEFERRED,) * everyone, "refused", trouble=Trouble.CONNECTION)
            case _:
                return Answer((Outcome.UNKNOWN,) * everyone, "connection lost after the final dot")

    def _arrive(self, job: Job, places: range | list[int]) -> None:
        for place in places:
            self.world.arrived[job.envelopes[place].subscriber_id] += 1


@dataclass(slots=True)
class Template:
    """A project with one planned issue, made once and copied for every seed into the one store."""

    database: Path
    store: MortalStore


def make_template(folder: Path) -> Template:
    """Freeze, approve and plan the sample's first issue for a small audience."""
    init_project(folder, BEGINNING - timedelta(days=3))
    settings = read_settings(folder / "config" / "digest.toml", {})
    store = Store(settings.database_url, synchronous="OFF")
    store.prepare()
    app = App(settings, store, BEGINNING)
    fetch(app)
    newsletter = settings.newsletters[0]
    with store.writing() as connection:
        for number in range(AUDIENCE):
            topics = ("", "databases", "databases python")[number % 3]
            subscribe(connection, newsletter, f"u{number}@example.com", topics=topics, confirmed=True, now=BEGINNING)
    frequency = newsletter.frequencies[0]
    issue = approve(app, draft(app, newsletter, frequency, coming_slot(app, newsletter, frequency), "test"), "test")
    with store.writing() as connection:
        plan(connection, issue, frozen_of(connection, issue), now=BEGINNING)
    store.close()
    return Template(folder / "digest.db", MortalStore(f"sqlite:///{folder / 'simulated.db'}", synchronous="OFF"))


def simulate(template: Template, seed: int) -> Counter[str]:
    """Run one seed to its end and look whether everything that must hold does; returns the states it came to."""
    world, store = World(random.Random(seed)), template.store
    store.world, store.deadly = world, 0.0
    store.begin_anew(template.database)
    with store.reading() as connection:
        article = tables.article.c
        world.addresses = {one.id: one.url for one in connection.execute(select(article.id, article.url))}
    with mock.patch.object(shelf_module, "frozen_of", _frozen_once), mock.patch.object(shelf_module, "blocks_of", _blocks_once):
        _until_nothing_waits(store, world)
    store.deadly = 0.0
    with store.writing() as connection:
        conclude(connection, find_issue(connection, "weekly/1"), now=world.clock())
        return check(connection, world)


# What an issue holds never changes after its freeze, and every seed has the same issue.
_KEPT: dict[tuple[str, str], Any] = {}


def _frozen_once(connection: Connection, issue: Issue) -> Any:
    key = ("frozen", issue.content_hash)
    if key not in _KEPT:
        _KEPT[key] = frozen_of(connection, issue)
    return _KEPT[key]


def _blocks_once(connection: Connection, issue: Issue, language: str) -> Any:
    key = (language, issue.content_hash)
    if key not in _KEPT:
        _KEPT[key] = blocks_of(connection, issue, language)
    return _KEPT[key]


def _until_nothing_waits(store: MortalStore, world: World) -> None:
    draw = world.draw
    settings = Delivery(concurrency=draw.randint(1, 3))
    setting_clocks = draw.choice((0.0, 0.0, 0.003))
    deadly, withdrawing = draw.choice((0.0, 0.01, 0.05)), draw.choice((0.0, 0.0, 0.0, 0.005, 0.05))
    processes: list[Turns] = []
    for turn in range(TURNS):
        store.deadly = 0.0
        if turn % 10 == 0 and not _waits(store):
            return
        if world.chance(0.02):
            world.now += timedelta(seconds=draw.choice((1, 40, 2000)))  # asleep, for longer than a lease or a deadline
        if world.chance(setting_clocks):
            world.ahead += timedelta(hours=draw.choice((-1, -1, 1)), minutes=1)  # never back to where it was
        if world.chance(0.02):
            _unsubscribe_somebody(store, world)
        if world.chance(withdrawing):
            _withdraw_something(store, world)
        if len(processes) < 2 and (not processes or world.chance(0.05)):
            processes.append(_start(store, world, settings, deadly, processes))
        store.deadly = deadly
        process = draw.choice(processes)
        try:
            process.turn()
        except Died:
            processes.remove(process)
        if process.machine.finished and process in processes:
            processes.remove(process)
    raise AssertionError(f"something still waits after {TURNS} turns")


def _start(store: MortalStore, world: World, settings: Delivery, deadly: float, alive: list[Turns]) -> Turns:
    """A new process: takes over what is dead, plans what was deferred, and begins."""
    with store.reading() as connection:
        issue = find_issue(connection, "weekly/1")
    ledger = Ledger(issue.id, issue.newsletter, "simulated", f"process-{world.draw.randrange(1 << 30)}")
    with store.writing() as connection:
        in_time = _waiting_in_time(world, alive, settings)
        upkeep.sweep(connection, ledger, now=world.clock(), others_are_dead=not alive and world.chance(0.7))
        taken = {one for one, state in _states(connection).items() if one in in_time and state == "unknown"}
        world.faults += [f"{one} was given up while its answer was waited for" for one in taken]
        upkeep.replan(connection, ledger, now=world.clock(), all_of_them=world.chance(0.5))
        shelf = Shelf(connection, issue)
    envelopes = EnvelopeMaker(b"k" * 32, "https://news.example", issue)
    bounds = pace(settings, world.draw.choice((1, 1, 3)))
    return Turns(store, ledger, Service(world, deadly), shelf, envelopes, settings, bounds, world.steady_clock())


def _waiting_in_time(world: World, alive: list[Turns], settings: Delivery) -> set[int]:
    """Those whose answer a living process may still wait for, however slow the service is; while clocks agree."""
    found: set[int] = set()
    if world.ahead:
        return found
    for process in alive:
        service = process._carriers
        assert isinstance(service, Service)
        for _, job, _, since in service.waiting:
            if world.now - since < longest_send(settings):
                found.update(envelope.subscriber_id for envelope in job.envelopes)
    return found


def _states(connection: Connection) -> dict[int, str]:
    row = tables.delivery.c
    return {found[0]: found[1] for found in connection.execute(select(row.subscriber_id, row.state))}


def _waits(store: Store) -> bool:
    with store.reading() as connection:
        return bool(UNSENT.intersection(_states(connection).values()))


def _unsubscribe_somebody(store: Store, world: World) -> None:
    """Somebody leaves; when their delivery is not marked at that moment, nothing may arrive any more."""
    row = tables.delivery.c
    with store.writing() as connection:
        people = connection.execute(select(row.subscriber_id, row.state, row.attempts)).all()
        one, state, _ = world.draw.choice(people)
        leaves = tables.subscription.c.subscriber_id == one
        connection.execute(update(tables.subscription).where(leaves).values(state="unsubscribed"))
    if state in {"planned", "claimed", "deferred"}:
        world.left_before_mark.add(one)


def _withdraw_something(store: MortalStore, world: World) -> None:
    """An article goes; who is marked at that moment may still get it, nobody else."""
    row = tables.delivery.c
    article = world.draw.choice(sorted(world.addresses))
    with store.writing() as connection:
        marked = set(connection.execute(select(row.subscriber_id).where(row.state == "sending")).scalars())
        withdraw(connection, str(article), actor="somebody", now=world.clock())
    world.withdrawn.setdefault(article, marked)


def check(connection: Connection, world: World) -> Counter[str]:
    """The invariants, with the mail service as the truth; returns how many are in which state."""
    states = _states(connection)
    twice = {one: times for one, times in world.arrived.items() if times > 1}
    assert not twice, f"arrived twice: {twice}"
    assert not world.faults, world.faults
    issue = find_issue(connection, "weekly/1")
    assert (issue.sub_revision, issue.approved_hash) == (len(withdrawn_from(connection, issue.id)), issue.content_hash)
    owed = {article for text in connection.execute(select(tables.subscription.c.owed)).scalars() for article in parse_owed(text)}
    assert not owed & world.withdrawn.keys(), f"owed although withdrawn: {owed & world.withdrawn.keys()}"
    assert len(states) == AUDIENCE
    for one, state in states.items():
        came = world.arrived[one] == 1
        assert came or state != "accepted", f"{one} is accepted and never arrived"
        assert not came or state in {"accepted", "unknown"}, f"{one} arrived and is {state}"
        assert not (came and one in world.left_before_mark), f"{one} had left before the mark and still got it"
    told, found = fold(connection), Counter(states.values())
    assert told == found, f"the history tells {dict(told)} and the rows are {dict(found)}"
    return found


def fold(connection: Connection) -> Counter[str]:
    """The states that the history tells of: everyone planned, then every line moves as many as it counts."""
    counts: Counter[str] = Counter({"planned": AUDIENCE})
    line = tables.history.c
    for start, end, count in connection.execute(select(line.from_state, line.to_state, line.count).order_by(line.id)):
        counts[start] -= count
        counts[end] += count
    return +counts


def run_seeds(first: int, many: int) -> Counter[str]:
    """Simulate a row of seeds in a process of their own; returns the states that all of them came to."""
    sums: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="digest-simulation-") as folder:
        template = make_template(Path(folder))
        for seed in range(first, first + many):
            try:
                sums += simulate(template, seed)
            except AssertionError as error:
                raise AssertionError(f"DIGEST_SIMULATION_SEED={seed}: {error}") from error
        template.store.close()
    return sums

"""What befalls a run from outside at every message: its database is held by somebody else, its PostgreSQL is restarted, it
is stopped for longer than its lease while another takes over."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import product
from threading import Event

import psycopg
import pytest

from digest.store.locking import _ADVISORY_KEY, _TURN_KEY
from digest.testing.smtp_sink import Now, SmtpSink
from tests.databases import Server
from tests.proofs.ground import STORES, Ground, Seed, a_ground, a_seed
from tests.proofs.trials import FORESEEN, RUN, at_once, bring_to_an_end, judge, tell_sums
from tests.proofs.zygote import Zygote

pytestmark = pytest.mark.proof

PEOPLE = 4
LEASE = 1.0
SETTINGS = {"DIGEST_DELIVERY__CONCURRENCY": "1", "DIGEST_DELIVERY__RETRY_FIRST": "0s", "DIGEST_DELIVERY__PATIENCE": "0s"}


@dataclass(frozen=True, slots=True)
class Place:
    """Before the Nth message is taken, or when it has arrived and is not answered."""

    moment: str
    nth: int


PLACES = [Place(moment, nth) for moment, nth in product(("MAIL", "dot"), range(1, PEOPLE + 1))]


@dataclass(slots=True)
class Disturbed:
    """A relay that does its work well; at one place something befalls the run."""

    place: Place
    befall: Callable[[], object] = lambda: None
    happened: Event = field(default_factory=Event)

    def __call__(self, now: Now) -> None:
        if (now.moment, now.message) == (self.place.moment, self.place.nth) and not self.happened.is_set():
            self.happened.set()
            self.befall()


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with Zygote() as started:
        yield started


@pytest.fixture
def running(postgresql: Server) -> Iterator[Server]:
    """A server that a test may stop."""
    yield postgresql
    postgresql.stop(at_once=True)
    postgresql.start()


@pytest.mark.parametrize("store", STORES)
def test_a_database_that_somebody_else_holds_ends_the_run_in_one_line_and_the_next_goes_on(
    zygote: Zygote, postgresql: Server, store: str
) -> None:
    with a_seed(zygote, store, PEOPLE, postgresql, approved=True) as seed:
        sums = at_once(lambda place: try_held(zygote, seed, place), PLACES)
    tell_sums(f"smtp {store}: database held by another process", sums)


def try_held(zygote: Zygote, seed: Seed, place: Place) -> Counter[str]:
    """The database is held from one place on, for longer than anybody waits."""
    relay = Disturbed(place)
    with a_ground(zygote, seed, "smtp", SmtpSink(relay)) as ground, holding(ground) as hold:
        relay.befall = hold
        before = len(ground.said().splitlines())
        status = ground.run(*RUN, **SETTINGS, DIGEST_BUSY_SECONDS="0.3")
        said = [line for line in ground.said().splitlines()[before:] if line.startswith("digest:")]
        assert (status, len(said)) == (5, 1), f"{place}: exit {status}: {said}"
        assert "another process holds it; nothing was lost, run again in a moment" in said[0]
        hold.release()
        return after(ground, place)


class _Hold:
    """Holds a database as another writer would, once it is called, until it is released."""

    def __init__(self, take: Callable[[], object], release: Callable[[], object]) -> None:
        self._take, self.release = take, release

    def __call__(self) -> None:
        self._take()


@contextmanager
def holding(ground: Ground) -> Iterator[_Hold]:
    """A writer of its own."""
    if ground.database_url.startswith("sqlite"):
        path = ground.folder / "digest.db"
        with closing(sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)) as writer:
            yield _Hold(lambda: writer.execute("BEGIN IMMEDIATE"), writer.rollback)
        return
    with psycopg.connect(ground.database_url.replace("+psycopg", "")) as session:
        yield _Hold(lambda: session.execute("SELECT pg_advisory_xact_lock(%s)", (_TURN_KEY,)), session.rollback)


def test_a_postgresql_that_is_restarted_at_any_message_costs_nobody_a_mail(zygote: Zygote, running: Server) -> None:
    def restart() -> None:
        running.stop(at_once=True)
        running.start()

    sums: list[Counter[str]] = []
    with a_seed(zygote, "postgresql", PEOPLE, running, approved=True) as seed:
        for place in PLACES:
            relay = Disturbed(place, restart)
            with a_ground(zygote, seed, "smtp", SmtpSink(relay)) as ground:
                status = ground.run(*RUN, **SETTINGS)
                assert status == 5, f"{place}: exit {status}\n{ground.said()}"
                sums.append(after(ground, place))
    tell_sums("smtp postgresql: server restarted", sums)


@pytest.mark.parametrize("taken_over", [True, False])
@pytest.mark.parametrize("store", STORES)
def test_a_process_that_is_stopped_for_longer_than_its_lease_sends_nothing_that_another_took_over(
    zygote: Zygote, postgresql: Server, store: str, taken_over: bool
) -> None:
    with a_seed(zygote, store, PEOPLE, postgresql, approved=True) as seed:
        sums = at_once(lambda place: try_stopped(zygote, seed, place, taken_over=taken_over), PLACES)
    how = "another process took over" if taken_over else "nobody took over"
    taken = sum(one["taken_over"] for one in sums)
    assert taken >= 0.75 * len(PLACES) * taken_over  # who sleeps in a transaction holds SQLite's only pen
    tell_sums(f"smtp {store}: stopped for longer than a lease, {how}", sums)


def try_stopped(zygote: Zygote, seed: Seed, place: Place, *, taken_over: bool) -> Counter[str]:
    """A run is stopped at one place, its lease ends, perhaps somebody does its work, and it wakes up."""
    short = SETTINGS | {"DIGEST_LEASE_SECONDS": str(LEASE), "DIGEST_STILL_SECONDS": "5", "DIGEST_BUSY_SECONDS": "10"}
    relay = Disturbed(place)
    with a_ground(zygote, seed, "smtp", SmtpSink(relay)) as ground:
        asleep: list[int] = []
        relay.befall = lambda: os.kill(asleep[0], signal.SIGSTOP)
        asleep.append(ground.start(*RUN, **short))
        assert relay.happened.wait(30), ground.said()
        try:
            time.sleep(LEASE * 1.2)
            if taken_over:
                break_lock(ground, seed)
            second = ground.run(*RUN, **short)
            assert second in ({0, 1, 5} if taken_over else {4}), ground.said()
        finally:
            os.kill(asleep[0], signal.SIGCONT)
        status = zygote.wait(asleep[0])
        assert status in FORESEEN, f"{place}: exit {status}\n{ground.said()}"
        return after(ground, place) + Counter(taken_over=second in {0, 1})


def break_lock(ground: Ground, seed: Seed) -> None:
    """The run lock is lost while its holder sleeps: somebody removes the file, or the server ends the session."""
    if seed.server is None:
        (ground.folder / "digest.db.lock").unlink()
        return
    database, low = ground.database_url.partition("?")[0].rpartition("/")[2], _ADVISORY_KEY & 0xFFFFFFFF
    seed.server.sql(
        "SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
        f" WHERE l.locktype = 'advisory' AND l.objid = {low} AND d.datname = '{database}'"
    )


def after(ground: Ground, place: Place) -> Counter[str]:
    """What follows: runs to the end, and the judgement."""
    runs = 1 + bring_to_an_end(ground, SETTINGS)
    found = judge(ground, str(place))
    assert found.unknown <= 1, f"{place}: {found}\n{ground.said()}"
    return found.sums(faults=1, runs=runs)

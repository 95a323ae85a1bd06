"""A process that schedules itself: every job at its time, whatever becomes of clocks and of other jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Any

import pytest

from digest.app import App, scheduling
from digest.app.pinging import Switch
from digest.app.scheduling import Scheduler, back_off
from digest.app.timetable import Job, at_rhythm
from digest.errors import Busy, Unreachable
from digest.settings import Settings
from digest.settings.scheduler import Scheduler as SchedulerSettings
from digest.testing.specimens import some_settings
from tests.databases import eventually

NINE = datetime(2026, 11, 23, 9, tzinfo=UTC)
QUARTER, MINUTE = timedelta(minutes=15), timedelta(minutes=1)


class Clock:
    """A clock that is where a test puts it."""

    def __init__(self, settings: Settings) -> None:
        self.now, self._settings = NINE - MINUTE, settings

    def reconfigure(self, **values: Any) -> None:
        """Other values of `[scheduler]` from now on."""
        changed = self._settings.scheduler.model_copy(update=values)
        self._settings = self._settings.model_copy(update={"scheduler": changed})

    def app(self) -> App:
        store: Any = None  # the jobs here have no use for one
        return App(self._settings, store, self.now)


def quarterly(work: Callable[[App], int], name: str = "run", *, tells: bool = False) -> Job:
    return Job(name, work, lambda app: at_rhythm(app.now, QUARTER), tells)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    monkeypatch.setattr(scheduling, "_LOOK", 0.002)
    pings = SchedulerSettings(ping_url="https://hc.example/uuid", ping_kind="healthchecks")
    return Clock(some_settings().model_copy(update={"scheduler": pings}))


@contextmanager
def running(clock: Clock, *jobs: Job, heard: list[str] | None = None) -> Iterator[Scheduler]:
    stop = Event()
    scheduler = Scheduler(clock.app, jobs, stop, Switch(([] if heard is None else heard).append))
    scheduler.start()
    try:
        yield scheduler
    finally:
        stop.set()
        scheduler.join(10)


def test_each_job_runs_when_it_is_time_once_and_outlives_what_goes_wrong_and_the_switch_hears_of_it(clock: Clock) -> None:
    ran: list[datetime] = []
    heard: list[str] = []

    def work(at: App) -> int:
        ran.append(at.now)
        match len(ran):
            case 1:
                raise Busy("another run")
            case 2:
                raise Unreachable("no database")
            case 3:
                raise KeyError("a defect")
            case number:
                return 3 if number == 4 else 0

    with running(clock, quarterly(work, tells=True), heard=heard):
        times = [NINE + number * QUARTER for number in range(5)]
        for number, clock.now in enumerate(times, start=1):
            eventually(lambda number=number: len(ran) == number)  # type: ignore[misc]  # a default is no argument
        assert ran == times
        start, success, failure = (f"https://hc.example/uuid{end}" for end in ("/start", "", "/fail"))
        eventually(lambda: heard == [start, start, failure, start, failure, start, failure, start, success])


def test_one_that_fails_is_tried_again_sooner_and_stops_no_other(clock: Clock) -> None:
    failed: list[datetime] = []
    others: list[datetime] = []

    def fail(at: App) -> int:
        failed.append(at.now)
        raise Unreachable("no database")

    def work(at: App) -> int:
        others.append(at.now)
        return 0

    with running(clock, quarterly(fail, "one"), quarterly(work, "other")) as scheduler:
        turn = scheduler._turns[0]
        for minutes in (0, 1, 3, 7, 15):
            due_at = NINE + minutes * MINUTE
            eventually(lambda due_at=due_at: turn.due_at == due_at)  # type: ignore[misc]  # a default is no argument
            clock.now = due_at
            eventually(lambda: len(others) == 1 + (clock.now == NINE + QUARTER))
        eventually(lambda: len(failed) == 5)
    assert failed == [NINE + minutes * MINUTE for minutes in (0, 1, 3, 7, 15)]
    assert others == [NINE, NINE + QUARTER]


def test_what_came_while_a_job_was_at_work_follows_at_once_and_once(clock: Clock) -> None:
    ran: list[datetime] = []
    go_on = Event()

    def work(at: App) -> int:
        ran.append(at.now)
        assert go_on.wait(10)
        return 0

    with running(clock, quarterly(work)):
        clock.now = NINE
        eventually(lambda: len(ran) == 1)
        clock.now = NINE + 4 * QUARTER
        go_on.set()
        eventually(lambda: len(ran) == 2)
        clock.now = NINE + 5 * QUARTER
        eventually(lambda: len(ran) == 3)
    assert ran == [NINE, NINE + 4 * QUARTER, NINE + 5 * QUARTER]


def test_a_clock_that_is_set_back_or_slept_moves_what_is_next(clock: Clock) -> None:
    ran: list[datetime] = []

    def work(at: App) -> int:
        ran.append(at.now)
        return 0

    with running(clock, quarterly(work)):
        for clock.now in (NINE, NINE + timedelta(days=3), NINE - timedelta(hours=5, minutes=1), NINE - timedelta(hours=5)):
            eventually(lambda: clock.now in ran or clock.now.minute == 59)
            if clock.now.minute == 59:
                _look_twice(clock)
    assert ran == [NINE, NINE + timedelta(days=3), NINE - timedelta(hours=5)]


def test_another_configuration_moves_what_is_next(clock: Clock) -> None:
    ran: list[datetime] = []

    def work(at: App) -> int:
        ran.append(at.now)
        return 0

    every = Job("run", work, lambda app: at_rhythm(app.now, app.settings.scheduler.run_every))
    with running(clock, every) as scheduler:
        clock.now = NINE
        eventually(lambda: len(ran) == 1)
        clock.reconfigure(run_every=MINUTE)
        scheduler.look_again()
        clock.now = NINE + MINUTE
        eventually(lambda: len(ran) == 2)


def _look_twice(clock: Clock) -> None:
    """Wait until the scheduler has seen where the clock is."""
    import time

    time.sleep(0.1)


def test_it_waits_longer_after_each_failure_and_never_for_longer_than_a_quarter_of_an_hour() -> None:
    assert [back_off(failures) // MINUTE for failures in (1, 2, 3, 4, 5, 6, 100)] == [1, 2, 4, 8, 15, 15, 15]

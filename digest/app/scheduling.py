"""Scheduling: one process that does what cron would, by APScheduler: each job in its turn, none twice at once.

Times are decided by the clock of decisions and looked at every second: a clock that is set, and a machine that slept, move what is next.
A job whose time passed while it was at work follows at once, once. One that fails is told of and tried again, sooner than it would be,
and each time later; it stops no other. Nothing here decides what is due: that a slot has one issue, the database sees to, and that
one process sends at a time, the run lock.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.executors.base import BaseExecutor, run_job
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.schedulers.base import STATE_STOPPED
from apscheduler.triggers.base import BaseTrigger

from digest.app.pinging import Outcome, Switch, Word
from digest.app.timetable import OUT_OF_REACH, Job
from digest.app.wiring import App
from digest.errors import Busy, DigestError
from digest.logs import logger
from digest.traces import span

_LOOK = 1.0  # seconds between two looks at the clock
_NEAR = timedelta(seconds=0.5)
_A_WHILE = timedelta(hours=1)  # until it is known when a job is next; it is known when it has ended
_AFTER_ANOTHER = timedelta(seconds=30)  # when another process is at it, its end is looked for so often
_AGAIN, _AGAIN_AT_MOST = timedelta(minutes=1), timedelta(minutes=15)
_log = logger("digest.scheduler")


def back_off(failures: int) -> timedelta:
    """How long after so many failures in a row a job is tried again."""
    return min(_AGAIN * (1 << min(failures - 1, 10)), _AGAIN_AT_MOST)


@dataclass(slots=True)
class _Turn:
    """One job, and when it is next; None while it is at work."""

    job: Job
    due_at: datetime | None = None
    seen_at: datetime | None = None
    failures: int = 0
    thread: threading.Thread | None = None


class Scheduler:
    """Does jobs when it is their time. `make` gives an application of this moment; `switch` hears of what tells."""

    def __init__(self, make: Callable[[], App], jobs: Iterable[Job], stop: threading.Event, switch: Switch | None = None) -> None:
        self._make, self._stop, self._switch = make, stop, switch or Switch()
        self._turns = [_Turn(job) for job in jobs]
        self._lock = threading.Lock()
        self._clockwork = _Clockwork(self._look, timezone=UTC, logger=_Quiet("apscheduler"))
        self._clockwork.add_executor(_Threads())

    def start(self) -> None:
        """Begin; each job has its first turn when its time comes, or at once."""
        for turn in self._turns:
            self._settle(turn, self._make(), 0)
            if turn.job.the_start:
                turn.due_at = turn.seen_at
            self._clockwork.add_job(
                self._do,
                _When(self._instant, turn),
                [turn],
                id=turn.job.name,
                coalesce=True,
                max_instances=1,
                misfire_grace_time=None,  # however late, it is done
            )
        self._clockwork.start()

    def look_again(self) -> None:
        """The configuration has changed: what is next may be something else."""
        app = self._make()
        for turn in self._turns:
            with self._lock:
                idle = turn.due_at is not None
            if idle:
                self._settle(turn, app, 0)
        self._clockwork.wakeup()

    def join(self, seconds: float) -> None:
        """Wait until what is being done has ended; it was told to by `stop`."""
        ends = time.monotonic() + seconds
        with suppress(Exception):
            self._clockwork.shutdown(wait=False)
        for turn in self._turns:
            thread = turn.thread
            if thread is not None:
                thread.join(max(0.0, ends - time.monotonic()))
        self._switch.close(max(0.0, ends - time.monotonic()))

    def _do(self, turn: _Turn) -> None:
        if self._stop.is_set():
            return
        began, code = self._make(), OUT_OF_REACH
        with self._lock:
            if turn.due_at is None or turn.due_at > began.now:
                return  # it was woken by a look at the clock that was older than the last time it was done
            turn.due_at, turn.thread = None, threading.current_thread()
        self._tell(turn, began, Word.START)
        try:
            with span("job", job=turn.job.name):
                code = turn.job.work(began)
        except Busy as busy:
            _log.info("%s: %s", turn.job.name, busy, action="job_waits", job=turn.job.name)
            code = Busy.exit_code
        except Exception as error:  # whatever it was, the next one has its chance
            said = error if isinstance(error, DigestError) else type(error).__name__
            _log.error("%s failed: %s", turn.job.name, said, action="job_failed", job=turn.job.name)
        finally:
            self._settle(turn, began, code)
            self._clockwork.wakeup()
        if code != Busy.exit_code and not self._stop.is_set():
            self._tell(turn, began, Outcome(code).word)

    def _tell(self, turn: _Turn, app: App, word: Word) -> None:
        if turn.job.tells:
            self._switch.tell(app.settings.scheduler, word)

    def _settle(self, turn: _Turn, began: App, code: int) -> None:
        """When a job is next, after one that began then. What came while it was at work is due at once."""
        now = self._make().now
        try:
            due_at = turn.job.next_at(began)
        except Exception as error:
            _log.error("%s: when it is next is not known: %s", turn.job.name, type(error).__name__, action="job_without_time")
            due_at = now + _AGAIN
        turn.failures = turn.failures + 1 if code == OUT_OF_REACH else 0
        if code == OUT_OF_REACH:
            due_at = min(max(due_at, now), now + back_off(turn.failures))
        if code == Busy.exit_code:
            due_at = min(max(due_at, now), now + _AFTER_ANOTHER)
        with self._lock:
            turn.due_at, turn.seen_at = due_at, now

    def _instant(self, turn: _Turn) -> datetime:
        """The real time of a job's turn: the clock of decisions may be ahead of it."""
        real, now = datetime.now(UTC), self._make().now
        with self._lock:
            return real + (_A_WHILE if turn.due_at is None else turn.due_at - now)

    def _look(self) -> None:
        """Look at the clock: where it was moved, so is what is next."""
        for turn in self._turns:
            with self._lock:
                due_at, seen_at = turn.due_at, turn.seen_at
            if due_at is None or seen_at is None:
                continue
            app = self._make()
            if app.now < seen_at - _NEAR:
                self._settle(turn, app, 0)
            with self._lock:
                turn.seen_at = app.now
            self._clockwork.move(turn.job.name, self._instant(turn))


class _When(BaseTrigger):  # type: ignore[misc]  # the library has no types
    """The turn of a job, as APScheduler asks for it."""

    def __init__(self, instant: Callable[[_Turn], datetime], turn: _Turn) -> None:
        self._instant, self._turn = instant, turn

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        """The first one at its time; what follows one that has just fired is known when it has ended."""
        return self._instant(self._turn) if previous_fire_time is None else now + _A_WHILE


class _Clockwork(BackgroundScheduler):  # type: ignore[misc]  # the library has no types
    """Looks at the clock every second, whatever is next: the library would sleep until then, by a clock that stops with the machine."""

    def __init__(self, look: Callable[[], None], **options: Any) -> None:
        super().__init__(**options)
        self._look = look

    def move(self, name: str, to: datetime) -> None:
        """Give a job another time, where it differs."""
        job = self.get_job(name)
        if job is not None and abs(job.next_run_time - to) > _NEAR:
            job.modify(next_run_time=to)

    def _main_loop(self) -> None:
        while self.state != STATE_STOPPED:
            self._event.wait(_LOOK)
            self._event.clear()
            try:
                self._look()
                self._process_jobs()
            except Exception as error:  # the clock goes on
                _log.error("the clock: %s", type(error).__name__, action="clock_failed")


class _Threads(BaseExecutor):  # type: ignore[misc]  # the library has no types
    """A thread for each job at work, which does not keep the process from ending."""

    def _do_submit_job(self, job: Any, run_times: list[datetime]) -> None:
        def work() -> None:
            self._run_job_success(job.id, run_job(job, job._jobstore_alias, run_times, "apscheduler.executors"))

        threading.Thread(target=work, name=f"job {job.id}", daemon=True).start()


class _Quiet(logging.Logger):
    """What APScheduler itself says: that a job is at work still when its time comes is no news."""

    def __init__(self, name: str) -> None:
        super().__init__(name, logging.CRITICAL)

"""Progress: a bar on a terminal, a line a minute in cron; and signals that drain instead of kill."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from digest.cli.output import say, warn
from digest.delivery.progress import OnProgress, Progress

if TYPE_CHECKING:
    from digest.audience.text_file import Progress as Share

_A_LINE_EVERY = 60.0  # seconds


@contextmanager
def draining(stop: threading.Event) -> Iterator[None]:
    """SIGTERM and SIGINT set `stop`: what is in flight is finished, the rest released."""

    def drain(number: int, _: object) -> None:
        if not stop.is_set():
            warn(f"{signal.Signals(number).name}: finishing what is in flight; the rest stays for the next run")
        stop.set()

    before = {number: signal.signal(number, drain) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def rereading() -> Iterator[threading.Event]:
    """SIGHUP sets the event: the configuration is to be read again."""
    asked = threading.Event()
    before = signal.signal(signal.SIGHUP, lambda *_: asked.set())
    try:
        yield asked
    finally:
        signal.signal(signal.SIGHUP, before)


@contextmanager
def rows_progress(what: str, quiet: bool) -> Iterator[Callable[[int, Share], None] | None]:
    """How many rows of a file are done: a bar on a terminal, elsewhere a line a minute on standard error."""
    if quiet:
        yield None
    elif sys.stderr.isatty():
        with _row_bar(what) as show:
            yield show
    else:
        yield RowLines(what, time.monotonic).show


class RowLines:
    """Plain lines, one a minute."""

    def __init__(self, what: str, clock: Callable[[], float]) -> None:
        self._what, self._clock = what, clock
        self._began = self._said = clock()

    def show(self, rows: int, share: Share) -> None:
        """Say it, when it is time."""
        now = self._clock()
        if now - self._said >= _A_LINE_EVERY:
            self._said = now
            part = f", {share.read / share.size:.0%} of the file" if share.size else ""
            warn(f"{self._what}: {rows:,} rows{part}, {rows / (now - self._began):,.0f}/s")


@contextmanager
def _row_bar(what: str) -> Iterator[Callable[[int, Share], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        TaskProgressColumn(),
        TextColumn("{task.fields[rows]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=Console(stderr=True)) as bars:
        task = bars.add_task(what, total=None, rows="")
        yield lambda rows, share: bars.update(task, total=share.size or None, completed=share.read, rows=f"{rows:,} rows")


@contextmanager
def sending_progress(quiet: bool, *, dry_run: bool = False) -> Iterator[OnProgress]:
    """What a send reports while it runs: how much of it is done, rate, time left, outcomes so far."""
    if quiet:
        yield lambda _: None
    elif sys.stderr.isatty():
        with _bar(dry_run) as show:
            yield show
    else:
        yield Lines(time.monotonic, dry_run=dry_run).show


class Lines:
    """Plain lines: one before the first message leaves, and one a minute."""

    def __init__(self, clock: Callable[[], float], *, dry_run: bool = False) -> None:
        self._clock, self._dry_run = clock, dry_run
        self._issue: str | None = None
        self._began = self._said = 0.0

    def show(self, progress: Progress) -> None:
        """Say it, when it is time."""
        now = self._clock()
        if progress.issue != self._issue:
            self._issue, self._began, self._said = progress.issue, now, now
            _say_at_once(beginning(progress, self._dry_run))
        elif now - self._said >= _A_LINE_EVERY:
            self._said = now
            _say_at_once(f"{progress.issue}: {going(progress, now - self._began)}")


def _say_at_once(line: str) -> None:
    """A log is read while it is written."""
    say(line)
    sys.stdout.flush()


def beginning(progress: Progress, dry_run: bool) -> str:
    """What is said before the first message leaves."""
    if dry_run:
        return f"{progress.issue}: a dry run for {progress.total:,}"
    return f"{progress.issue}: sending to {progress.total:,}; a crash would leave at most {progress.doubt:,} unknown"


def going(progress: Progress, seconds: float) -> str:
    """How far it has come after so many seconds."""
    rate = progress.done / seconds if seconds > 0 else 0.0
    left = f"{_span((progress.total - progress.done) / rate)} left" if rate else "time left unknown"
    return f"{progress.done:,} of {progress.total:,}, {rate:,.0f}/s, {left}: {counted(progress)}"


def counted(progress: Progress) -> str:
    """The outcomes so far."""
    counts = (f"{count:,} {outcome}" for outcome, count in progress.outcomes.items() if count)
    return ", ".join(counts) or "connecting"


def _span(seconds: float) -> str:
    minutes, rest = divmod(round(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@contextmanager
def _bar(dry_run: bool) -> Iterator[OnProgress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[counts]}"),
    )
    bars = Bars(*columns, console=Console(stderr=True))
    tasks: dict[str, TaskID] = {}

    def show(progress: Progress) -> None:
        if progress.issue not in tasks:
            bars.start()  # not before: the bar of the fetch is there until then
            bars.console.print(beginning(progress, dry_run), highlight=False)
            tasks[progress.issue] = bars.add_task(progress.issue, total=progress.total, rate="", counts="connecting")
        task = tasks[progress.issue]
        speed = bars.tasks[bars.task_ids.index(task)].finished_speed or bars.tasks[bars.task_ids.index(task)].speed
        bars.update(task, completed=progress.done, rate=f"{speed or 0:,.0f}/s", counts=counted(progress))

    try:
        yield show
    finally:
        bars.stop()

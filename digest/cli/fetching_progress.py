"""How a fetch goes: a bar on a terminal, a line a minute in cron."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from digest.app.fetching import OnFetched
from digest.cli.output import say

_FEW = 2
_A_LINE_EVERY = 60.0  # seconds


@contextmanager
def fetching_progress(sources: int, quiet: bool) -> Iterator[OnFetched]:
    """What hears of each source that was read. The bar goes when the last was, so that another may follow it."""
    if quiet or sources < _FEW:
        yield lambda _: None
    elif sys.stderr.isatty():
        with _bar(sources) as show:
            yield show
    else:
        yield Lines(time.monotonic, sources).show


class Lines:
    """Plain lines: one a minute, so that a fetch that is over sooner says nothing. Heard from several threads."""

    def __init__(self, clock: Callable[[], float], sources: int) -> None:
        self._clock, self._sources, self._read = clock, sources, 0
        self._said = clock()
        self._lock = threading.Lock()

    def show(self, _: str) -> None:
        """Say it, when it is time."""
        with self._lock:
            self._read += 1
            now = self._clock()
            if now - self._said >= _A_LINE_EVERY and self._read < self._sources:
                self._said = now
                say(f"reading: {self._read:,} of {self._sources:,} sources")
                sys.stdout.flush()


@contextmanager
def _bar(sources: int) -> Iterator[OnFetched]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("reading"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    task = bar.add_task("", total=sources)

    def show(name: str) -> None:
        bar.update(task, advance=1, description=name)
        if bar.finished:
            bar.stop()

    bar.start()
    try:
        yield show
    finally:
        bar.stop()

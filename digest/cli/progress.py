"""Progress: a bar on a terminal, silence in cron; and signals that drain instead of kill."""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from digest.delivery.engines.local import Progress
from digest.delivery.providers.answer import Outcome


@contextmanager
def draining(stop: threading.Event) -> Iterator[None]:
    """SIGTERM and SIGINT set `stop`: what is in flight is finished, the rest released."""

    before = {number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def counting_progress(what: str, quiet: bool) -> Iterator[Callable[[int], None] | None]:
    """A count that grows, on a terminal."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console

    with Console(stderr=True).status(what) as status:
        yield lambda count: status.update(f"{what}: {count:,}")


@contextmanager
def sending_progress(quiet: bool) -> Iterator[Progress]:
    """What a send reports while it runs: rate and outcomes so far."""
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import Progress as Bar
    from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task, began = bar.add_task("sending"), time.monotonic()

        def show(outcomes: Mapping[Outcome, int]) -> None:
            total = sum(outcomes.values())
            rate = total / max(time.monotonic() - began, 0.1)
            counts = ", ".join(f"{count:,} {outcome}" for outcome, count in outcomes.items() if count)
            bar.update(task, description=f"sending {rate:,.0f}/s: {counts or 'connecting'}")

        yield show

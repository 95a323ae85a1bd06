"""How a fetch goes: a bar on a terminal. In cron the account alone tells."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from digest.app.fetching import OnFetched

_FEW = 2


@contextmanager
def fetching_progress(sources: int, quiet: bool) -> Iterator[OnFetched]:
    """What hears of each source that was read."""
    if quiet or sources < _FEW or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("reading"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=sources)
        yield lambda name: bar.update(task, advance=1, description=name)

"""Fetching: every source read, each stored in a transaction of its own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace

from digest.app.succeeding import succeed
from digest.app.wiring import App
from digest.audience.succession import Succeeded
from digest.catalogue.reading_sources import SourceResult, read_sources
from digest.catalogue.recalling import recall
from digest.catalogue.sources.port import Fault
from digest.catalogue.storing import Stored, release_waiting, store_failure, store_reading
from digest.settings import SourceSettings


@dataclass(frozen=True, slots=True)
class FetchedSource:
    """What came of one source: what was stored, or the line that says why nothing was; and the faults of its entries."""

    name: str
    stored: Stored | None
    error: str | None
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came of all sources; `released` post-dated articles have reached their time.

    `stopped` says that the fetch was asked to end before it had read them all.
    """

    sources: tuple[FetchedSource, ...]
    released: int
    succeeded: tuple[Succeeded, ...] = ()
    stopped: bool = False

    @property
    def failed(self) -> bool:
        """Whether at least one source could not be read."""
        return any(source.error is not None for source in self.sources)

    @property
    def all_failed(self) -> bool:
        """Whether no source could be read."""
        return all(source.error is not None for source in self.sources)


OnFetched = Callable[[str], None]


def fetch(app: App, on_read: OnFetched = lambda _: None) -> Fetched:
    """Read every source and take its entries into the catalogue; a bad source stops only itself.

    Sources are read at once and stored in the configuration's order, so that the same readings always arrive in the same
    order. `on_read` hears the name of each as it is read, from several threads. What was renamed or given up in the
    configuration has its successor first. What is read when `app.stop` is set is stored, and nothing more is read.
    """
    succeeded = succeed(app)
    sources = current_sources(app)
    with app.store.reading() as connection:
        memories, paused = recall(connection, sources)
    context = app.source_context()
    context = replace(context, visits=replace(context.visits, memories=memories, paused=paused))
    stopped = False
    fetched: list[FetchedSource] = []
    with closing(read_sources(sources, context, lambda result: on_read(result.source.name), app.stop)) as results:
        for result in results:
            stopped = stopped or result.stopped
            fetched.append(_store(app, result))
    with app.store.writing() as connection:
        released = release_waiting(connection, app.now)
    return Fetched(tuple(fetched), released, succeeded, stopped)


def current_sources(app: App) -> tuple[SourceSettings, ...]:
    """The sources that are read: those that are neither renamed nor given up."""
    return tuple(one for one in app.settings.sources if one.current)


def _store(app: App, result: SourceResult) -> FetchedSource:
    if result.stopped:
        return FetchedSource(result.source.name, None, result.error, ())
    with app.store.writing() as connection:
        if result.reading is None:
            store_failure(connection, result.source, result.error or "", app.now, result.paused_until)
            return FetchedSource(result.source.name, None, result.error, ())
        stored = store_reading(connection, result.source, result.reading, app.now)
    return FetchedSource(result.source.name, stored, None, stored.faults)

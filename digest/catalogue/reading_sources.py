"""Reading all sources, each for itself: a bad one stops only itself, a slow one holds up only its host's."""

from __future__ import annotations

import queue
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlsplit

from digest.catalogue.cleaning import flaw
from digest.catalogue.registry import open_sources
from digest.catalogue.sources.parsers import Parsers
from digest.catalogue.sources.port import Reading, Source, SourceContext
from digest.catalogue.visiting import Paused
from digest.errors import DigestError
from digest.settings import SourceSettings
from digest.traces import carried, span

# Threads mostly wait for servers; what costs the processor is bounded by `Parsers`.
_AT_ONCE = 16
# What is being read when everything must end has this long; a run that is stopped ends within ten seconds.
GRACE = 4.0
_LOOK_EVERY = 0.25
STOPPED = "was not read, because the run was asked to stop; the next one reads it"

OnRead = Callable[["SourceResult"], None]


@dataclass(frozen=True, slots=True)
class SourceResult:
    """What came of one source: its reading, or one line that says why there is none, and when it may be asked again.

    `stopped` says that it was not read because the whole reading was stopped: that is no failure of the source.
    """

    source: SourceSettings
    reading: Reading | None
    error: str | None
    paused_until: datetime | None = None
    stopped: bool = False


def read_sources(
    sources: Sequence[SourceSettings],
    context: SourceContext,
    on_read: OnRead = lambda _: None,
    stop: threading.Event | None = None,
) -> Generator[SourceResult]:
    """Every source read once, results in their order, each as soon as those before it are there.

    `on_read` hears of each when it is read, from several threads. Once `stop` is set no other is begun, those that are
    being read have a few seconds, and what is not read then has a result that says so. Raises `UsageError` for a kind
    that does not exist, before anything is read; stores nothing.
    """
    parsers = Parsers()
    opened = open_sources(sources, replace(context, parsers=parsers))
    return _Readers(sources, opened, on_read, stop or threading.Event()).results(parsers)


class _Readers:
    """Threads that read sources. They are daemons: one that hangs on a server does not outlive the process."""

    def __init__(
        self, sources: Sequence[SourceSettings], opened: Sequence[Source], on_read: OnRead, stop: threading.Event
    ) -> None:
        self._sources, self._opened, self._on_read, self._stop = sources, opened, on_read, stop
        self._results: list[Future[SourceResult]] = [Future() for _ in sources]
        self._read = carried(_read)
        self._ended = threading.Event()
        self._stopped_at: float | None = None
        self._groups: queue.SimpleQueue[list[int]] = queue.SimpleQueue()

    def results(self, parsers: Parsers) -> Generator[SourceResult]:
        groups = _by_host(self._sources)
        for group in groups:
            self._groups.put(group)
        threads = [
            threading.Thread(target=self._work, name=f"source_{number}", daemon=True)
            for number in range(min(_AT_ONCE, len(groups)))
        ]
        try:
            for thread in threads:
                thread.start()
            for index, source in enumerate(self._sources):
                yield self._awaited(index) or SourceResult(source, None, STOPPED, stopped=True)
                self._results[index] = Future()  # what was handed over is not kept
        finally:
            self._ended.set()
            end = time.monotonic() + (0 if self._stop.is_set() else GRACE)
            for thread in threads:
                if thread.ident is not None:
                    thread.join(max(0.0, end - time.monotonic()))
            parsers.close()

    def _awaited(self, index: int) -> SourceResult | None:
        """The result, waited for; None when the reading was stopped before it came."""
        future = self._results[index]
        while not self._stop.is_set():
            with suppress(TimeoutError):
                return future.result(timeout=_LOOK_EVERY)
        if self._stopped_at is None:
            self._stopped_at = time.monotonic()
        with suppress(TimeoutError):
            return future.result(timeout=max(0.0, self._stopped_at + GRACE - time.monotonic()))
        return None

    def _work(self) -> None:
        with suppress(queue.Empty):
            while not self._over:
                self._read_in_turn(self._groups.get_nowait())

    def _read_in_turn(self, indexes: Sequence[int]) -> None:
        for index in indexes:
            if self._over:
                return
            future = self._results[index]
            try:
                result = self._read(self._sources[index], self._opened[index])
                self._on_read(result)
            except BaseException as error:  # so that whoever waits for it hears of it
                future.set_exception(error)
            else:
                future.set_result(result)

    @property
    def _over(self) -> bool:
        return self._ended.is_set() or self._stop.is_set()


def _by_host(sources: Sequence[SourceSettings]) -> list[list[int]]:
    """The sources' places, those of one host together: they wait for one another anyway, and need one thread for it."""
    groups: dict[str, list[int]] = defaultdict(list)
    for index, source in enumerate(sources):
        groups[f"source {index}" if source.url is None else urlsplit(source.url).netloc.lower()].append(index)
    return list(groups.values())


def _read(settings: SourceSettings, source: Source) -> SourceResult:
    with span("fetch", source=settings.name) as seen:
        result = _read_for_itself(settings, source)
        seen.tell(failed=result.reading is None, entries=0 if result.reading is None else len(result.reading.entries))
    return result


def _read_for_itself(settings: SourceSettings, source: Source) -> SourceResult:
    try:
        return SourceResult(settings, _sound(source.read()), None)
    except DigestError as error:
        return SourceResult(settings, None, str(error), error.until if isinstance(error, Paused) else None)
    except Exception as error:  # a plugin's defect is that source's trouble, and nobody else's
        line = " ".join(f"{type(error).__name__}: {error}".split())
        return SourceResult(settings, None, f"the source kind '{settings.kind}' failed ({line}); tell whoever maintains it")


def _sound(reading: Reading) -> Reading:
    """`reading` without the entries that a plugin left unclean."""
    flaws = {index: fault for index, entry in enumerate(reading.entries) if (fault := flaw(entry)) is not None}
    if not flaws:
        return reading
    entries = tuple(entry for index, entry in enumerate(reading.entries) if index not in flaws)
    return replace(reading, entries=entries, faults=(*reading.faults, *flaws.values()))

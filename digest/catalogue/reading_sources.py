"""Reading all sources, each for itself: a bad one stops only itself, a slow one holds up only its host's."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
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

# Threads mostly wait for servers; what costs the processor is bounded by `Parsers`.
_AT_ONCE = 16

OnRead = Callable[["SourceResult"], None]


@dataclass(frozen=True, slots=True)
class SourceResult:
    """What came of one source: its reading, or one line that says why there is none, and when it may be asked again."""

    source: SourceSettings
    reading: Reading | None
    error: str | None
    paused_until: datetime | None = None


def read_sources(
    sources: Sequence[SourceSettings], context: SourceContext, on_read: OnRead = lambda _: None
) -> Generator[SourceResult]:
    """Every source read once, results in their order, each as soon as those before it are there.

    `on_read` hears of each when it is read, from several threads. Raises `UsageError` for a kind that does not exist,
    before anything is read; stores nothing.
    """
    parsers = Parsers()
    opened = open_sources(sources, replace(context, parsers=parsers))
    return _read_all(sources, opened, parsers, on_read)


def _read_all(
    sources: Sequence[SourceSettings], opened: Sequence[Source], parsers: Parsers, on_read: OnRead
) -> Generator[SourceResult]:
    results: list[Future[SourceResult]] = [Future() for _ in sources]
    stop = threading.Event()

    def read_in_turn(indexes: Sequence[int]) -> None:
        for index in indexes:
            if stop.is_set():
                return
            try:
                result = _read(sources[index], opened[index])
                on_read(result)
            except BaseException as error:  # so that whoever waits for it hears of it
                results[index].set_exception(error)
            else:
                results[index].set_result(result)

    with parsers, ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="source") as threads:
        try:
            for indexes in _by_host(sources):
                threads.submit(read_in_turn, indexes)
            for index, future in enumerate(results):
                yield future.result()
                results[index] = Future()  # what was handed over is not kept
        finally:
            stop.set()


def _by_host(sources: Sequence[SourceSettings]) -> list[list[int]]:
    """The sources' places, those of one host together: they wait for one another anyway, and need one thread for it."""
    groups: dict[str, list[int]] = defaultdict(list)
    for index, source in enumerate(sources):
        groups[f"source {index}" if source.url is None else urlsplit(source.url).netloc.lower()].append(index)
    return list(groups.values())


def _read(settings: SourceSettings, source: Source) -> SourceResult:
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

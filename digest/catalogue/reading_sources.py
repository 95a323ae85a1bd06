"""Reading all sources, each for itself: a bad one stops only itself."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from digest.catalogue.cleaning import flaw
from digest.catalogue.registry import open_sources
from digest.catalogue.sources.port import Reading, Source, SourceContext
from digest.errors import DigestError
from digest.settings import SourceSettings

_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class SourceResult:
    """What came of one source: its reading, or one line that says why there is none."""

    source: SourceSettings
    reading: Reading | None
    error: str | None


def read_sources(sources: Sequence[SourceSettings], context: SourceContext) -> list[SourceResult]:
    """Every source read once, results in their order. Raises `UsageError` for a kind that does not exist; stores nothing."""
    opened = open_sources(sources, context)
    with ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="source") as threads:
        return list(threads.map(_read, sources, opened))


def _read(settings: SourceSettings, source: Source) -> SourceResult:
    try:
        return SourceResult(settings, _sound(source.read()), None)
    except DigestError as error:
        return SourceResult(settings, None, str(error))
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

"""Reading many sources in a process of its own, so that its memory and its threads are nobody else's."""

from __future__ import annotations

import threading
from pathlib import Path
from zoneinfo import ZoneInfo

from digest.catalogue.fetching import Bounds
from digest.catalogue.reading_sources import read_sources
from digest.catalogue.sources.port import SourceContext
from digest.catalogue.visiting import Visits
from digest.settings import SourceSettings

BOUNDS = Bounds(connect_seconds=2, read_seconds=2, total_seconds=4)


def read_all(sources: list[SourceSettings], folder: Path) -> tuple[list[tuple[str, int, str | None]], int]:
    """Each source, how many entries it had and what was wrong; and how many threads are left."""
    before = threading.active_count()
    results = read_sources(sources, SourceContext(folder, ZoneInfo("UTC"), Visits(bounds=BOUNDS)))
    found = [(one.source.name, len(one.reading.entries) if one.reading else 0, one.error) for one in results]
    return found, threading.active_count() - before

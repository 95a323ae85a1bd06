"""Looking after sources: how each of them has been doing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from sqlalchemy import func, select

from digest.app.timetable import next_run
from digest.app.wiring import App
from digest.settings import SourceSettings
from digest.store import tables

RECENT = timedelta(days=30)
"""For so long a gap is told of."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a source has been doing. `next_at` is when it is asked again at the earliest; `gap_at`, when articles may have been missed."""

    name: str
    kind: str
    place: str
    fetched_at: datetime | None
    error: str | None
    next_at: datetime
    asked_to_wait: bool
    gap_at: datetime | None
    articles: int
    newest_at: datetime | None


def sources(app: App) -> tuple[Standing, ...]:
    """Every source that is read, in the configuration's order."""
    row, article = tables.source.c, tables.article.c
    counted = select(article.source, func.count(), func.max(article.first_seen_at)).group_by(article.source)
    with app.store.reading() as connection:
        known = {
            found.name: found
            for found in connection.execute(select(row.name, row.fetched_at, row.error, row.paused_until, row.gap_at))
        }
        brought = {found[0]: found for found in connection.execute(counted)}
    coming, standings = next_run(app), []
    for source in app.settings.sources:
        if not source.current:
            continue
        seen, held = known.get(source.name), brought.get(source.name)
        waits = None if seen is None else seen.paused_until
        gap = None if seen is None or seen.gap_at is None or app.now - seen.gap_at > RECENT else seen.gap_at
        standings.append(
            Standing(
                source.name,
                source.kind,
                place_of(source),
                None if seen is None else seen.fetched_at,
                None if seen is None else seen.error,
                max(coming, waits) if waits else coming,
                bool(waits and waits > coming),
                gap,
                0 if held is None else held[1],
                None if held is None else held[2],
            )
        )
    return tuple(standings)


def place_of(source: SourceSettings) -> str:
    """Where it is read from, without what an address may hold for nobody's eyes: a name, a password, a query."""
    if source.url is None:
        return str(source.path)
    parts = urlsplit(source.url)
    return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}{parts.path}"

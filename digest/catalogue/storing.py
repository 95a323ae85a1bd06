"""Storing: a reading taken into the catalogue, in a few statements, within the caller's transaction.

The caller's transaction writes alone until its end (`Store.writing`), so that no lower number ever becomes visible after a
higher one: a cutoff, once read, is final.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from digest.catalogue.arrival import COVERED, Absence, Fate, decide, in_order
from digest.catalogue.article import Entry
from digest.catalogue.identity import Match, match
from digest.catalogue.many import MANY, among
from digest.catalogue.memory import Memory
from digest.catalogue.sources.port import Fault, Reading
from digest.settings import SourceSettings
from digest.store import tables

_CONTENT = (
    "url",
    "title",
    "summary",
    "tags",
    "published_at",
    "updated_at",
    "author",
    "image",
    "image_alt",
    "featured",
    "reading_minutes",
    "language",
    "popularity",
)
_NEW = tuple(f"new_{name}" for name in _CONTENT)
_values = attrgetter(*_CONTENT)
# The columns of `_rows` before those of `_CONTENT`.
_FIXED = 4
_EDIT = (
    update(tables.article)
    .where(tables.article.c.id == bindparam("article"))
    .values({name: bindparam(f"new_{name}", type_=tables.article.c[name].type) for name in _CONTENT})
)


@dataclass(frozen=True, slots=True)
class Stored:
    """What a reading did to the catalogue; every entry of it is counted once.

    `new` were given an arrival number, `waiting` are new and post-dated, `covered` are new and will not be sent;
    `updated` and `unchanged` were known. `faults` are the reading's own and those of entries that storing left out.
    `not_modified` says that the source had nothing to tell since the last time; `gap`, that articles may have come and
    gone between two fetches: a source that shows only its latest entries showed none that was known (case 13).
    """

    new: int
    updated: int
    unchanged: int
    waiting: int
    covered: int
    faults: tuple[Fault, ...]
    not_modified: bool = False
    gap: bool = False


def store_reading(connection: Connection, source: SourceSettings, reading: Reading, now: datetime) -> Stored:
    """Takes `reading` into the catalogue, within the caller's transaction; `now` is when it was first seen.

    An edit changes an article's content, never its arrival; a date once known is not forgotten, so that an embargo
    outlives a typing error. An article's content follows the source that first brought it. What a source no longer
    shows stays. Call `release_waiting` afterwards.
    """
    seeded_at = _visit(connection, source, now, memory=reading.memory, paused_until=reading.paused_until)
    first = seeded_at is None
    found = match(
        reading.entries,
        _articles_of(connection, source.name, [entry.key for entry in reading.entries]),
        _articles_of(connection, "", [entry.canonical_url for entry in reading.entries]),
    )
    rows = _rows(connection, [article for _, article in found.known])
    updated = _edit(connection, source, found, rows)
    absence = _absence(connection, source, found.new, rows, now) if reading.latest_only and not first else None
    fates = decide(found.new, now, source.seed if first else None, absence)
    _add(connection, source, dict(zip(found.new, fates, strict=True)), now, now if first else None)
    _name_known(connection, source, found)
    if first and reading.entries:
        connection.execute(update(tables.source).where(tables.source.c.name == source.name).values(seeded_at=now))
    gap = reading.latest_only and not first and len(found.new) > 1 and not found.known and not found.faults
    if gap:
        connection.execute(update(tables.source).where(tables.source.c.name == source.name).values(gap_at=now))
    return Stored(
        new=fates.count(Fate.ARRIVES),
        updated=updated,
        unchanged=len(found.known) - updated,
        waiting=fates.count(Fate.WAITS),
        covered=fates.count(Fate.COVERED),
        faults=reading.faults + found.faults,
        not_modified=reading.unchanged,
        gap=gap,
    )


def store_failure(
    connection: Connection, source: SourceSettings, error: str, now: datetime, paused_until: datetime | None = None
) -> None:
    """Remembers that `source` could not be read just now, and why. Its articles stay as they are."""
    _visit(connection, source, now, error, paused_until)


def release_waiting(connection: Connection, now: datetime) -> int:
    """Numbers the post-dated articles whose time has come, in the order of `published_at`; says how many."""
    article = tables.article.c
    due = (
        select(article.id)
        .where(article.arrival.is_(None), article.published_at <= now)
        .order_by(article.published_at, article.id)
    )
    ids = connection.scalars(due).all()
    if ids:
        number = highest_arrival(connection)
        statement = update(tables.article).where(article.id == bindparam("due")).values(arrival=bindparam("number"))
        connection.execute(statement, [{"due": due, "number": number + place} for place, due in enumerate(ids, 1)])
    return len(ids)


def highest_arrival(connection: Connection) -> int:
    """The highest arrival number given so far; 0 when there is none."""
    return connection.scalar(select(func.coalesce(func.max(tables.article.c.arrival), 0))) or 0


def _visit(
    connection: Connection,
    source: SourceSettings,
    now: datetime,
    error: str | None = None,
    paused_until: datetime | None = None,
    memory: Memory | None = None,
) -> datetime | None:
    """Writes down that the source was fetched; when it was seeded, None when it never was.

    After a failure the source is asked at its own address again, wherever it had moved to.
    """
    table = tables.source
    seen = connection.execute(select(table.c.seeded_at, table.c.memory).where(table.c.name == source.name)).one_or_none()
    kept = None if seen is None else seen.memory
    if memory is not None:
        kept = memory.data()
    elif error is not None and paused_until is None and kept:
        kept = {name: value for name, value in kept.items() if name != "moved_to"}
    values = {"kind": source.kind, "fetched_at": now, "error": error, "memory": kept, "paused_until": paused_until}
    if seen is None:
        connection.execute(insert(table).values(name=source.name, **values))
        return None
    connection.execute(update(table).where(table.c.name == source.name).values(values))
    seeded_at: datetime | None = seen.seeded_at
    return seeded_at


def _articles_of(connection: Connection, source: str, keys: Sequence[str]) -> dict[str, int]:
    """The articles known by some of `keys`; those of the source '' are canonical URLs."""
    named = tables.article_key.c
    statement = select(named.key, named.article_id).where(named.source == source)
    if len(keys) <= MANY:
        statement = statement.where(named.key.in_(keys))
    wanted = set(keys)
    return {key: article for key, article in connection.execute(statement) if key in wanted}


def _rows(connection: Connection, ids: Sequence[int]) -> dict[int, Row[Any]]:
    article = tables.article.c
    columns = [article.id, article.source, article.arrival, article.seeded_at, *(article[name] for name in _CONTENT)]
    return {row.id: row for clause in among(article.id, ids) for row in connection.execute(select(*columns).where(clause))}


def _edit(connection: Connection, source: SourceSettings, found: Match, rows: dict[int, Row[Any]]) -> int:
    """Brings known articles of this source up to date; says how many had changed."""
    edits = []
    for entry, article in found.known:
        row = rows[article]
        if row.source == source.name and (content := _content(entry, row.published_at)) != row[_FIXED:]:
            edits.append({"article": article, **dict(zip(_NEW, content, strict=True))})
    if edits:
        connection.execute(_EDIT, edits)
    return len(edits)


def _content(entry: Entry, published_at: datetime | None = None) -> tuple[Any, ...]:
    """The values of `_CONTENT`; a date once known is kept where the entry has none."""
    url, title, summary, tags, published, *others = _values(entry)
    return (url, title, summary, list(tags), published or published_at, *others)


def _absence(
    connection: Connection, source: SourceSettings, new: Sequence[Entry], rows: dict[int, Row[Any]], now: datetime
) -> Absence | None:
    """What bears on whether the oldest of `new` only fill the places of deleted entries; None when none can."""
    shown = [row for row in rows.values() if row.published_at is not None]
    oldest = min((row.published_at for row in shown), default=None)
    tail = [
        entry.published_at
        for entry in new
        if entry.published_at is not None and oldest is not None and entry.published_at < oldest
    ]
    if not tail:
        return None
    article = tables.article.c
    newer = select(article.id, article.published_at).where(
        article.source == source.name, article.published_at > min(tail), article.published_at <= now
    )
    missing = tuple(row.published_at for row in connection.execute(newer) if row.id not in rows)
    returned = tuple(row.published_at for row in shown if row.arrival == COVERED and row.seeded_at is None)
    return Absence(missing, returned, oldest)


def _add(
    connection: Connection, source: SourceSettings, fates: dict[Entry, Fate], now: datetime, seeded_at: datetime | None
) -> None:
    """Inserts new articles in the order of their numbers, and their names."""
    if not fates:
        return
    number = highest_arrival(connection)
    entries = in_order(fates)
    values = []
    for entry in entries:
        number += fates[entry] is Fate.ARRIVES
        arrival = {Fate.ARRIVES: number, Fate.COVERED: COVERED, Fate.WAITS: None}[fates[entry]]
        given = {"source": source.name, "arrival": arrival, "first_seen_at": now, "seeded_at": seeded_at}
        values.append(given | dict(zip(_CONTENT, _content(entry), strict=True)))
    # Nobody else writes: what is above the highest id is ours, in the order of insertion.
    highest = connection.scalar(select(func.coalesce(func.max(tables.article.c.id), 0)))
    connection.execute(insert(tables.article), values)
    ids = connection.scalars(select(tables.article.c.id).where(tables.article.c.id > highest).order_by(tables.article.c.id)).all()
    _name(connection, ((source.name, entry.key, article) for entry, article in zip(entries, ids, strict=True)))
    _name(connection, (("", entry.canonical_url, article) for entry, article in zip(entries, ids, strict=True)))


def _name_known(connection: Connection, source: SourceSettings, found: Match) -> None:
    """Gives known articles the names they did not have yet."""
    _name(connection, ((source.name, entry.key, article) for entry, article in found.known if entry.key not in found.by_key))
    _name(
        connection,
        (("", entry.canonical_url, article) for entry, article in found.known if entry.canonical_url not in found.by_url),
    )


def _name(connection: Connection, names: Iterable[tuple[str, str, int]]) -> None:
    rows = [{"source": source, "key": key, "article_id": article} for source, key, article in names]
    if rows:
        connection.execute(insert(tables.article_key), rows)

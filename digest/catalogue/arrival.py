"""Arrival: which new articles get a number now, which wait for their time, and which count as covered. Pure.

Numbers are given in the order of `published_at`, articles without one last, equals in the reading's order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum

from digest.catalogue.article import Entry

COVERED = 0


class Fate(Enum):
    """What becomes of an entry that is new to the catalogue."""

    ARRIVES = "arrives"
    WAITS = "waits"
    COVERED = "covered"


@dataclass(frozen=True, slots=True)
class Absence:
    """What a source that shows only its latest entries showed before and shows no longer.

    `missing_at` are the dates of articles of this source that are not in the reading; `returned_at` those of articles
    in the reading that count as covered because they once took a deleted one's place; `oldest_at` is the oldest date
    of a known article in the reading.
    """

    missing_at: tuple[datetime, ...]
    returned_at: tuple[datetime, ...]
    oldest_at: datetime | None


def decide(entries: Sequence[Entry], now: datetime, seed: int | None, absence: Absence | None = None) -> list[Fate]:
    """The fate of each of `entries`, all new to the catalogue. `seed` is None except at the source's first fetch."""
    fates = [Fate.WAITS if _is_ahead(entry, now) else Fate.ARRIVES for entry in entries]
    arriving = [index for index, fate in enumerate(fates) if fate is Fate.ARRIVES]
    if seed is not None:
        arriving.sort(key=lambda index: _age(entries[index], now))
        covered = arriving[seed:]
    else:
        covered = _returning(entries, arriving, absence) if absence else []
    for index in covered:
        fates[index] = Fate.COVERED
    return fates


def in_order(entries: Iterable[Entry]) -> list[Entry]:
    """The order in which entries that arrive together are numbered."""
    return sorted(entries, key=lambda entry: (entry.published_at is None, entry.published_at or datetime.min.replace(tzinfo=UTC)))


def _is_ahead(entry: Entry, now: datetime) -> bool:
    return entry.published_at is not None and entry.published_at > now


def _age(entry: Entry, now: datetime) -> tuple[bool, float]:
    """Newest first; entries without a date after those with one, in the reading's order."""
    return entry.published_at is None, 0.0 if entry.published_at is None else (now - entry.published_at).total_seconds()


def _returning(entries: Sequence[Entry], arriving: Iterable[int], absence: Absence) -> list[int]:
    """The new entries that only fill the places of deleted ones (case 12).

    They are older than every known one in the reading, and there are no more of them than newer articles missing from
    it. Others that are old are back-dated (case 4) and arrive.
    """
    oldest = absence.oldest_at
    if oldest is None:
        return []
    dated = ((index, entries[index].published_at) for index in arriving)
    tail = sorted(((at, index) for index, at in dated if at is not None and at < oldest), reverse=True)
    returning: list[int] = []
    for at, index in tail:
        places = sum(missing > at for missing in absence.missing_at) - len(absence.returned_at) - len(returning)
        if places <= 0:
            break
        returning.append(index)
    return returning

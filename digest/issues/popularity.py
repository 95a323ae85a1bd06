"""Popularity: how often an article was clicked, or how much it is read by its publisher's count, and how that decays."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, String, false, func, select, type_coerce

from digest.catalogue.many import among
from digest.store import tables

_event = tables.event.c


def decayed(number: float, at: datetime | None, *, now: datetime, half_life: timedelta) -> float:
    """A number of some time ago, as it counts now; without a time it counts in full."""
    age = timedelta(0) if at is None else max(now - at, timedelta(0))
    return float(number * 0.5 ** (age / half_life))


def clicked(clicks: Mapping[int, Mapping[str, int]], *, now: datetime, half_life: timedelta) -> dict[int, float]:
    """How much the clicks of each day (UTC, such as `2026-11-23`) come to now, by article."""
    return {
        article: sum(decayed(many, _day(day), now=now, half_life=half_life) for day, many in sorted(days.items()))
        for article, days in clicks.items()
    }


def clicks_of(connection: Connection, articles: Iterable[int]) -> dict[int, dict[str, int]]:
    """How many readers clicked each article first on which day; articles without a click are absent. What the provider takes for a machine's is none."""
    found: defaultdict[int, dict[str, int]] = defaultdict(dict)
    first = func.min(type_coerce(_event.occurred_at, String)).label("at")
    for clause in among(_event.article_id, articles):
        once = (
            select(_event.article_id, first)
            .where(clause, _event.machine.is_(false()))
            .group_by(_event.article_id, _event.subscriber_id)
            .subquery()
        )
        day = func.substr(once.c.at, 1, 10)
        for article, on, many in connection.execute(
            select(once.c.article_id, day, func.count()).group_by(once.c.article_id, day)
        ):
            found[article][on] = many
    return dict(found)


def _day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)

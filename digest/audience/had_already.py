"""What readers have had already from elsewhere, such as another tool: by a person's word, and for good.

It is kept by article and subscriber; an article that everybody has had counts for whoever joins later, too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from digest.audience.dialects import among
from digest.store import tables

EVERYBODY = 0
"""Stands in the place of a subscriber's id."""

_row = tables.had_already.c
_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class HadAlready:
    """Since when it has been known of which articles: that everybody has had them, and that one reader has."""

    everybody: Mapping[int, datetime] = field(default_factory=dict)
    reader: Mapping[int, datetime] = field(default_factory=dict)

    def at(self, article: int) -> datetime | None:
        """Since when it has been known of an article; None where it is not."""
        return self.reader.get(article) or self.everybody.get(article)


def had_by_everybody(connection: Connection) -> dict[int, datetime]:
    """The articles that everybody has had, each with the time at which that was said."""
    return _of(connection, EVERYBODY)


def had_already(connection: Connection, subscriber_id: int) -> HadAlready:
    """What one reader has had."""
    return HadAlready(had_by_everybody(connection), _of(connection, subscriber_id))


def missing(connection: Connection, pairs: Collection[tuple[int, int]]) -> list[tuple[int, int]]:
    """Those of some pairs of article and subscriber (or `EVERYBODY`) of which it has not been said, in order."""
    known: set[tuple[int, int]] = set()
    articles = sorted({article for article, _ in pairs})
    for start in range(0, len(articles), _AT_ONCE):
        some = among(connection, _row.article_id, articles[start : start + _AT_ONCE])
        known |= {(found[0], found[1]) for found in connection.execute(select(_row.article_id, _row.subscriber_id).where(some))}
    return sorted(set(pairs) - known)


def remember(connection: Connection, pairs: Iterable[tuple[int, int]], *, actor: str, now: datetime) -> None:
    """Write down pairs of which it has not been said."""
    rows = [{"article_id": article, "subscriber_id": one, "actor": actor, "at": now} for article, one in pairs]
    for start in range(0, len(rows), _AT_ONCE):
        connection.execute(insert(tables.had_already), rows[start : start + _AT_ONCE])


def forget_reader(connection: Connection, subscriber_id: int) -> None:
    """Of somebody who is erased nothing is known."""
    connection.execute(delete(tables.had_already).where(_row.subscriber_id == subscriber_id))


def _of(connection: Connection, subscriber_id: int) -> dict[int, datetime]:
    found = connection.execute(select(_row.article_id, _row.at).where(_row.subscriber_id == subscriber_id))
    return {article: at for article, at in found}  # noqa: C416

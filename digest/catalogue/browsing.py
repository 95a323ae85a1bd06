"""Browsing the catalogue: articles that somebody looks for, the newest first, a page at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import ColumnElement, Connection, func, or_

from digest.catalogue.article import Article
from digest.catalogue.articles import article_from_row, select_articles
from digest.store import tables
from digest.store.paging import Page

LOOKED_THROUGH = 3_000
"""So many articles are looked at for one page, where they are sorted out one by one."""

_AT_ONCE = 250
_MOST_WORDS = 8
_row = tables.article.c


class Standing(StrEnum):
    """Where an article stands."""

    ARRIVED = "arrived"  # it has its number, and may be sent
    WAITING = "waiting"  # it is post-dated
    COVERED = "covered"  # it was there when its source was first read, and is not sent
    FEATURED = "featured"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for: words in title, address or author, a source, a standing; `before` is the number of the last one seen."""

    words: str = ""
    source: str = ""
    standing: Standing | None = None
    before: int | None = None


def browse(connection: Connection, wanted: Wanted, most: int, keep: Callable[[Article], bool] = lambda _: True) -> Page[Article]:
    """At most so many articles, the newest first; `keep` sorts out what SQL cannot."""
    found: list[Article] = []
    before, looked = wanted.before, 0
    while looked < LOOKED_THROUGH:
        query = select_articles().where(*_where(wanted)).order_by(_row.id.desc()).limit(_AT_ONCE)
        rows = connection.execute(query if before is None else query.where(_row.id < before)).all()
        for row in rows:
            article = article_from_row(row)
            if keep(article):
                if len(found) == most:
                    return Page(tuple(found), str(found[-1].id))
                found.append(article)
            before = article.id
        looked += len(rows)
        if len(rows) < _AT_ONCE:
            return Page(tuple(found))
    return Page(tuple(found), str(before), unfinished=True)


def _where(wanted: Wanted) -> list[ColumnElement[bool]]:
    where = [] if not wanted.source else [_row.source == wanted.source]
    featured = func.coalesce(_row.featured_here, _row.featured, type_=_row.featured.type)
    match wanted.standing:
        case Standing.ARRIVED:
            where.append(_row.arrival > 0)
        case Standing.WAITING:
            where.append(_row.arrival.is_(None))
        case Standing.COVERED:
            where.append(_row.arrival == 0)
        case Standing.FEATURED:
            where.append(featured.is_(True))
        case Standing.WITHDRAWN:
            where.append(_row.withdrawn_at.is_not(None))
    return where + [_holds(word) for word in wanted.words.split()[:_MOST_WORDS]]


def _holds(word: str) -> ColumnElement[bool]:
    """A word stands somewhere, in either case: SQLite knows the cases of ASCII letters alone, so it is given each spelling."""
    spellings = {word, word.lower(), word.upper(), word.capitalize()}
    columns = (_row.title, _row.url, func.coalesce(_row.author, ""))
    return or_(*(column.icontains(spelling, autoescape=True) for column in columns for spelling in spellings))

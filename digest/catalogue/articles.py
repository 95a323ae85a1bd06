"""Articles as the catalogue keeps them: one by one, by their ids, by arrival, or listed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, func, or_, select, update

from digest.catalogue.address import canonical_url
from digest.catalogue.article import Article
from digest.catalogue.many import MANY, among
from digest.errors import UsageError
from digest.store import tables

_article = tables.article.c
_COLUMNS = (
    _article.id,
    _article.source,
    _article.arrival,
    _article.url,
    _article.title,
    _article.summary,
    _article.tags,
    _article.published_at,
    _article.updated_at,
    _article.author,
    _article.image,
    _article.image_alt,
    func.coalesce(_article.featured_here, _article.featured, type_=_article.featured.type).label("featured"),
    _article.reading_minutes,
    _article.language,
    _article.popularity,
    _article.first_seen_at,
    _article.seeded_at,
    _article.withdrawn_at,
)
_NUMBER = "number:"
_LARGEST_ID = 2**31 - 1


def select_articles() -> Select[Any]:
    """Every article, in the shape `article_from_row` takes; narrow and order it as you like."""
    return select(*_COLUMNS)


def article_from_row(row: Row[Any]) -> Article:
    """A row of `select_articles` as an `Article`."""
    values = list(row)
    values[6] = tuple(values[6])
    return Article(*values)


def window(connection: Connection, after: int, up_to: int) -> list[Article]:
    """The articles whose arrival number is in (after, up_to], in the order of arrival, withdrawn ones included."""
    spanned = select_articles().where(_article.arrival > after, _article.arrival <= up_to).order_by(_article.arrival)
    return [article_from_row(row) for row in connection.execute(spanned).all()]


def articles_by_ids(connection: Connection, ids: Iterable[int]) -> dict[int, Article]:
    """The articles with these ids, by id; unknown ids are absent."""
    clauses = among(_article.id, ids)
    return {row.id: article_from_row(row) for clause in clauses for row in connection.execute(select_articles().where(clause))}


def list_articles(
    connection: Connection,
    *,
    source: str | None = None,
    featured: bool | None = None,
    waiting: bool | None = None,
    withdrawn: bool | None = None,
    limit: int | None = None,
) -> list[Article]:
    """The articles, newest first (those without a date last), narrowed by what is not None."""
    statement = select_articles().order_by(_article.published_at.is_(None), _article.published_at.desc(), _article.id.desc())
    if source is not None:
        statement = statement.where(_article.source == source)
    if featured is not None:
        statement = statement.where(func.coalesce(_article.featured_here, _article.featured) == featured)
    if waiting is not None:
        statement = statement.where(_article.arrival.is_(None) if waiting else _article.arrival.is_not(None))
    if withdrawn is not None:
        statement = statement.where(_article.withdrawn_at.is_not(None) if withdrawn else _article.withdrawn_at.is_(None))
    return [article_from_row(row) for row in connection.execute(statement.limit(limit))]


def search_articles(connection: Connection, words: str, limit: int) -> list[Article]:
    """The newest to arrive whose title or address has each of these words in it, whatever their case; none where there is no word."""
    wanted = words.split()
    if not wanted:
        return []
    each = (
        or_(_article.title.icontains(word, autoescape=True), _article.url.icontains(word, autoescape=True)) for word in wanted
    )
    query = select_articles().where(*each).order_by(_article.arrival.is_(None), _article.arrival.desc(), _article.id.desc())
    return [article_from_row(row) for row in connection.execute(query.limit(limit))]


def published_before(connection: Connection, before: datetime) -> list[int]:
    """The ids of the articles that came out before a time: by their own date, or else by when they were first seen."""
    came = func.coalesce(_article.published_at, _article.first_seen_at, type_=_article.first_seen_at.type)
    return list(connection.scalars(select(_article.id).where(came < before).order_by(_article.id)))


def find_article(connection: Connection, ref: str) -> Article:
    """The article that `ref` names: its number in the catalogue, an id of its source, or an address it has or had.

    `number:5` is a number and nothing else, `SOURCE:5` an id of that source. Raises `UsageError` when there is none, or when what
    was said names several.
    """
    ids = _ids_named(connection, ref.strip())
    if not ids:
        raise UsageError(f"no article is known as '{ref}'; `digest articles list` shows their numbers, ids and addresses")
    found = articles_by_ids(connection, ids)
    if len(ids) > 1:
        each = "; ".join(f"{_NUMBER}{one} is “{found[one].title}” of {found[one].source}" for one in sorted(ids))
        raise UsageError(f"'{ref.strip()}' names {len(ids)} articles, by number or by a source's id; say which: {each}")
    return found[ids.pop()]


def articles_at(connection: Connection, links: Iterable[str]) -> dict[str, int]:
    """The articles that these addresses lead to, by address; what leads to none is absent."""
    canonical: dict[str, str] = {}
    for link in links:
        try:
            canonical[link] = canonical_url(link)
        except ValueError:
            continue  # a provider's own idea of an address
    named = tables.article_key.c
    query = select(named.key, named.article_id).where(named.source == "")
    wanted = sorted(set(canonical.values()))
    found: dict[str, int] = {}
    for start in range(0, len(wanted), MANY):
        rows = connection.execute(query.where(named.key.in_(wanted[start : start + MANY])))
        found |= {row.key: row.article_id for row in rows}
    return {link: found[address] for link, address in canonical.items() if address in found}


def feature(connection: Connection, ref: str, on: bool) -> Article:
    """Features an article, or no longer; wins over its source's own word. Returns it as it is now."""
    return _change(connection, ref, featured_here=on)


def withdraw(connection: Connection, ref: str, now: datetime) -> Article:
    """Withdraws an article: it is chosen for no further issue. Doing it again changes nothing. Returns it as it is now.

    What is frozen already is left to `digest.delivery.withdrawal`, which calls this.
    """
    return _change(connection, ref, withdrawn_at=find_article(connection, ref).withdrawn_at or now)


def _change(connection: Connection, ref: str, **values: Any) -> Article:
    article = find_article(connection, ref).id
    connection.execute(update(tables.article).where(_article.id == article).values(values))
    return articles_by_ids(connection, [article])[article]


def _ids_named(connection: Connection, ref: str) -> set[int]:
    """All that a reference may mean; an address, in its canonical form, only where it is nothing else."""
    said_so = ref.startswith(_NUMBER)
    ids = _numbered(connection, ref.removeprefix(_NUMBER))
    if said_so:
        return ids
    named = tables.article_key.c
    source, _, key = ref.partition(":")
    of_a_source = or_(named.key == ref, (named.source == source) & (named.key == key))
    ids |= set(connection.scalars(select(named.article_id).where(of_a_source, named.source != "")))
    if ids:
        return ids
    try:
        address = canonical_url(ref)
    except ValueError:
        return set()
    return set(connection.scalars(select(named.article_id).where(named.key == address, named.source == "")))


def _numbered(connection: Connection, ref: str) -> set[int]:
    if not (ref.isascii() and ref.isdecimal() and len(ref) <= 10 and int(ref) <= _LARGEST_ID):
        return set()
    return set(connection.scalars(select(_article.id).where(_article.id == int(ref))))

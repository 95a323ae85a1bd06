"""Renaming a source: its articles, and the names it knows them by, go to another; nothing of it is read as new."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, delete, func, select, update

from digest.store import tables

_key, _source = tables.article_key.c, tables.source.c


def sources_read(connection: Connection) -> dict[str, int]:
    """The sources that were read at least once, each with how many articles it brought."""
    article = tables.article.c
    brought = select(func.count()).where(article.source == _source.name).scalar_subquery()
    query = select(_source.name, brought).where(_source.seeded_at.is_not(None)).order_by(_source.name)
    return {name: many for name, many in connection.execute(query)}  # noqa: C416


def rename_source(connection: Connection, name: str, new_name: str) -> int:
    """What came from one source came from the other from now on; returns how many articles that are."""
    held = select(_key.key).where(_key.source == new_name)
    connection.execute(update(tables.article_key).where(_key.source == name, _key.key.not_in(held)).values(source=new_name))
    connection.execute(delete(tables.article_key).where(_key.source == name))
    moved = connection.execute(update(tables.article).where(tables.article.c.source == name).values(source=new_name)).rowcount
    if new_name in _names(connection):
        connection.execute(delete(tables.source).where(_source.name == name))
    else:
        connection.execute(update(tables.source).where(_source.name == name).values(name=new_name))
    return moved


def _names(connection: Connection) -> Iterable[str]:
    return set(connection.execute(select(_source.name)).scalars())

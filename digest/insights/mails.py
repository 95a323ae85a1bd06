"""Mails: what the last ones of a person were planned to hold."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select

from digest.catalogue.articles import articles_by_ids
from digest.rendering.content import Arrangement
from digest.store import tables

MOST = 20
"""Of so many mails it is told, the last ones."""


def held(connection: Connection, subscriber_id: int) -> dict[str, tuple[str, ...]]:
    """By issue, newest first, the titles in their order. What was withdrawn since, `explain` says."""
    row, issue, arranged = tables.delivery.c, tables.issue.c, tables.rendition.c
    theirs = (arranged.issue_id == row.issue_id) & (arranged.number == row.rendition)
    query = (
        select(issue.newsletter, issue.number, arranged.arrangement)
        .select_from(tables.delivery.join(tables.issue, issue.id == row.issue_id).join(tables.rendition, theirs))
        # Every issue, by its name: the key of deliveries begins with it, and else all of them are read for one person.
        .where(row.issue_id.in_(select(issue.id)), row.subscriber_id == subscriber_id)
        .order_by(issue.id.desc())
        .limit(MOST)
    )
    found = {f"{one.newsletter}/{one.number}": _in_order(one.arrangement) for one in connection.execute(query)}
    known = articles_by_ids(connection, {article for some in found.values() for article in some})
    return {name: tuple(known[one].title for one in some if one in known) for name, some in found.items()}


def _in_order(arrangement: dict[str, Any]) -> tuple[int, ...]:
    sections = tuple((topic, tuple(articles)) for topic, articles in arrangement["sections"])
    return Arrangement(arrangement["lead"], sections).articles

"""Browsing deliveries: those of one issue, by subscriber, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from digest.delivery.account import unknown
from digest.delivery.transitions import DeliveryState
from digest.store import tables
from digest.store.paging import Page

LOOKED_THROUGH = 100_000
"""So many deliveries are looked at for one page of those in one state."""

_row, _person = tables.delivery.c, tables.subscriber.c


@dataclass(frozen=True, slots=True)
class Line:
    """One delivery. `email` is None where its subscriber was erased."""

    subscriber_id: int
    email: str | None
    state: str
    rendition: int | None
    attempts: int
    answer: str | None
    reported: str | None
    not_before: datetime | None


def issues_with(connection: Connection, article: int) -> list[str]:
    """The names of the issues that were planned with an article, newest first."""
    held, issue = tables.rendition_article.c, tables.issue.c
    ours = select(held.issue_id).where(held.article_id == article)
    query = select(issue.newsletter, issue.number).where(issue.id.in_(ours)).order_by(issue.id.desc())
    return [f"{row.newsletter}/{row.number}" for row in connection.execute(query)]


def browse_deliveries(connection: Connection, issue_id: int, state: DeliveryState | None, after: int, most: int) -> Page[Line]:
    """At most so many deliveries of an issue, those of one state or of all, behind a subscriber's number."""
    last = None
    if state is DeliveryState.UNKNOWN:  # few, and found by the index of open ones
        found = sorted(one for one in unknown(connection, issue_id) if one > after)
    else:
        found, last = _walk(connection, issue_id, state, after, most)
    page = _lines(connection, issue_id, found[:most])
    if len(found) > most:
        return Page(page, str(found[most - 1]))
    return Page(page) if last is None else Page(page, str(last), unfinished=True)


def _walk(
    connection: Connection, issue_id: int, state: DeliveryState | None, after: int, most: int
) -> tuple[list[int], int | None]:
    """Whose deliveries are in a state, and the last one that was looked at where not all were."""
    ours = (_row.issue_id == issue_id, _row.subscriber_id > after)
    many = most + 1 if state is None else LOOKED_THROUGH
    span = select(_row.subscriber_id, _row.state).where(*ours).order_by(_row.subscriber_id).limit(many).subquery()
    query = select(span.c.subscriber_id).order_by(span.c.subscriber_id)
    if state is None:
        return list(connection.execute(query).scalars()), None
    found = list(connection.execute(query.where(span.c.state == state.value).limit(most + 1)).scalars())
    if len(found) > most:
        return found, None
    looked, last = connection.execute(select(func.count(), func.max(span.c.subscriber_id)).select_from(span)).one()
    return found, last if looked == LOOKED_THROUGH else None


def _lines(connection: Connection, issue_id: int, numbers: list[int]) -> tuple[Line, ...]:
    columns = (
        _row.subscriber_id,
        _person.email,
        _row.state,
        _row.rendition,
        _row.attempts,
        _row.answer,
        _row.reported,
        _row.not_before,
    )
    joined = tables.delivery.outerjoin(tables.subscriber, _person.id == _row.subscriber_id)
    query = select(*columns).select_from(joined).where(_row.issue_id == issue_id, _row.subscriber_id.in_(numbers))
    return tuple(Line(*row) for row in connection.execute(query.order_by(_row.subscriber_id)))

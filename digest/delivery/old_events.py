"""Old events: what providers reported of an issue that ended long ago is forgotten as a whole, so that no statistics are half of them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, exists, select

from digest.store import tables

_event, _issue = tables.event.c, tables.issue.c


def issues_with_old_events(connection: Connection, before: datetime) -> list[int]:
    """The issues that ended before a time, and of which something is still kept."""
    kept = exists().where(_event.issue_id == _issue.id)
    return list(connection.execute(select(_issue.id).where(_issue.finished_at < before, kept).order_by(_issue.id)).scalars())


def forget_events(connection: Connection, issue_id: int, most: int) -> int:
    """Forget some of an issue's events; returns how many. How far each of its mails came by them stays with the mail."""
    some = select(_event.id).where(_event.issue_id == issue_id).limit(most)
    return connection.execute(delete(tables.event).where(_event.id.in_(some.scalar_subquery()))).rowcount

"""The history of an issue as its editors read it: who did what, when, on the newsletter's own clock."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, func, select

from digest.app.wiring import App
from digest.issues.issue import Issue, find_issue, frozen_of
from digest.store import tables

_MOST = 20
_line = tables.issue_history.c


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One line; `time` is the hour and the minute of `at`."""

    at: str
    time: str
    actor: str
    did: str


@dataclass(frozen=True, slots=True)
class News:
    """What was done to an issue since somebody looked, the newest first; `mark` says how far this goes."""

    mark: int
    lines: tuple[HistoryLine, ...]


def news(app: App, name: str, since: int) -> News:
    """What was done since a mark; reads only."""
    with app.store.reading() as connection:
        issue = find_issue(connection, name)
        mark = mark_of(connection, issue)
        if mark <= since:
            return News(mark, ())
        zone = ZoneInfo(frozen_of(connection, issue).timezone)
        return News(mark, history_of(connection, issue, zone, since=since)[:_MOST])


def mark_of(connection: Connection, issue: Issue) -> int:
    """How far the history of an issue goes."""
    return connection.execute(select(func.max(_line.id)).where(_line.issue_id == issue.id)).scalar() or 0


def history_of(connection: Connection, issue: Issue, zone: ZoneInfo, since: int = 0) -> tuple[HistoryLine, ...]:
    """The lines after a mark, the newest first; those that say nothing are left out."""
    rows = connection.execute(
        select(_line.at, _line.actor, _line.from_state, _line.to_state, _line.reason)
        .where(_line.issue_id == issue.id, _line.id > since)
        .order_by(_line.id.desc())
    )
    told = []
    for row in rows:
        moved = "" if row.from_state == row.to_state else f"{row.to_state}"
        did = ": ".join(part for part in (moved, row.reason) if part)
        if did:
            at = row.at.astimezone(zone)
            told.append(HistoryLine(f"{at:%-d %b, %H:%M}", f"{at:%H:%M}", row.actor, did))
    return tuple(told)

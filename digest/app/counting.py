"""Counting: the figures of the desk's first page. What is small is counted when it is looked at; what is large is read as a thread of
`digest serve` counted it last, and the page says when that was."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection

from digest.app.attending import Attendant
from digest.app.wiring import App
from digest.insights import audience_figures, issue_figures
from digest.insights.comparing import BEFORE
from digest.insights.figures import OFTEN, SELDOM, Figure, is_due, keep, kept
from digest.issues.issue import Issue, latest_issues
from digest.issues.lifecycle import IssueState

SMALL = 2_000
"""So many subscriptions, or deliveries of an issue, are counted for each view."""

WENT_OUT = (IssueState.SENDING, IssueState.PAUSED, IssueState.SENT, IssueState.CANCELLED)
"""Issues of these states have deliveries, or had."""

_EVERY = 30.0  # seconds between two looks for what is due


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted; `at` is None where it is so now."""

    value: Mapping[str, Any]
    at: datetime | None = None


def audience(app: App, connection: Connection) -> Counted | None:
    """The figures of the audience; None where there are too many to count now, and nobody has yet."""
    if audience_figures.size(connection) <= SMALL:
        return Counted(audience_figures.count_audience(connection, app.now.astimezone(UTC).date()))
    found = kept(connection, audience_figures.NAME).get("")
    return None if found is None else Counted(found.value, found.taken_at)


def outcomes(connection: Connection, issues: Sequence[Issue]) -> dict[int, Counted]:
    """The figures of issues that went out, by their ids; those that are too large to count now, and were not counted yet, are absent."""
    known = kept(connection, issue_figures.NAME, [str(issue.id) for issue in issues])
    found = {}
    for issue in issues:
        counted = _outcome(connection, issue, known.get(str(issue.id)))
        if counted is not None:
            found[issue.id] = counted
    return found


def _outcome(connection: Connection, issue: Issue, figure: Figure | None) -> Counted | None:
    if figure is not None and figure.mark == issue_figures.mark(connection, issue):
        return Counted(figure.value)
    if (issue.audience or 0) <= SMALL:
        return Counted(issue_figures.count_issue(connection, issue))
    return None if figure is None else Counted(figure.value, figure.taken_at)


def shown_issues(app: App, connection: Connection) -> dict[str, list[Issue]]:
    """The last issues of each newsletter that went out, newest first, with as many more as the newest is compared with."""
    return {one.slug: latest_issues(connection, one.slug, WENT_OUT, BEFORE + 1) for one in app.newsletters(None)}


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A figure: its name, what it is about, what it depends on, how it is counted, and how many times as long it may wait."""

    name: str
    about: str
    mark: Callable[[Connection], str]
    count: Callable[[Connection], dict[str, Any]]
    times: int = OFTEN


def recount(app: App) -> int:
    """Count what is due, and keep it; says how many figures that were."""
    done = 0
    for one in _wanted(app):
        if app.stop.is_set():
            break
        with app.store.reading() as connection:
            now, began = one.mark(connection), time.monotonic()
            found = kept(connection, one.name, [one.about]).get(one.about)
            if not is_due(found, now, now=app.now, times=one.times):
                continue
            value = one.count(connection)
        took = time.monotonic() - began
        with app.store.writing() as connection:
            keep(connection, Figure(one.name, one.about, value, now, app.now, took))
        done += 1
    return done


def _wanted(app: App) -> Iterator[_Wanted]:
    """The audience, where it is large, and what went out: the newest of each newsletter first, and most often."""
    today = app.now.astimezone(UTC).date()
    with app.store.reading() as connection:
        large = audience_figures.size(connection) > SMALL
        shown = shown_issues(app, connection)
    if large:
        name, mark, count = audience_figures.NAME, audience_figures.mark, audience_figures.count_audience
        yield _Wanted(name, "", partial(_on, mark, today), partial(_on, count, today))
    newest = {some[0].id for some in shown.values() if some}
    for issue in sorted((issue for some in shown.values() for issue in some), key=lambda one: -one.id):
        name, mark_of, count_of = issue_figures.NAME, issue_figures.mark, issue_figures.count_issue
        times = OFTEN if issue.id in newest else SELDOM
        yield _Wanted(name, str(issue.id), partial(_on, mark_of, issue), partial(_on, count_of, issue), times)


def _on(do: Callable[[Connection, Any], Any], what: Any, connection: Connection) -> Any:
    return do(connection, what)


def counter(make: Callable[[], App], stop: threading.Event) -> Attendant:
    """Counts what is due, now and then."""

    def count(app: App) -> None:
        recount(app)

    return Attendant(count, make, stop, name="figures", every=_EVERY)

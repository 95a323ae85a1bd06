"""Retaining: once a day what nobody wants kept any longer is thrown away, as `[retention]` says. Small steps: others want to write, too."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from digest.app.wiring import App
from digest.audience import erasing, tallying
from digest.audience.leavers import gone_since
from digest.delivery import outbox_keeping
from digest.delivery.forgetting import forget
from digest.delivery.old_events import forget_events, issues_with_old_events
from digest.errors import Refused

_A_DAY = timedelta(hours=23)  # a cron job of every day is a minute early now and then
_EVENTS = 5000  # of one transaction
_PEOPLE = 100


@dataclass(slots=True)
class Retained:
    """What was thrown away: events, people who had left, and files of dry runs."""

    events: int = 0
    people: int = 0
    files: int = 0


def retain(app: App) -> Retained:
    """Throw away what is older than the settings say; nothing when that was done today. Not for a dry run."""
    wanted, done = app.settings.retention, Retained()
    if wanted.events is wanted.leavers is wanted.outbox is None or not _due(app):
        return done
    if wanted.events is not None:
        _forget_events(app, app.now - wanted.events, done)
    if wanted.leavers is not None:
        _erase_leavers(app, app.now - wanted.leavers, done)
    if wanted.outbox is not None:
        done.files = outbox_keeping.throw_away(app.settings.project / "outbox", datetime.now(UTC) - wanted.outbox)
    if not app.stop.is_set():
        with app.store.writing() as connection:
            tallying.count(connection, _key(app), now=app.now)
    return done


def _due(app: App) -> bool:
    with app.store.reading() as connection:
        return tallying.many(connection, _key(app), since=app.now - _A_DAY) == 0


def _key(app: App) -> str:
    return tallying.hashed(app.key, "retention")


def _forget_events(app: App, before: datetime, done: Retained) -> None:
    with app.store.reading() as connection:
        issues = issues_with_old_events(connection, before)
    for issue_id in issues:
        forgotten = _EVENTS
        while forgotten == _EVENTS and not app.stop.is_set():
            with app.store.writing() as connection:
                forgotten = forget_events(connection, issue_id, _EVENTS)
            done.events += forgotten


def _erase_leavers(app: App, before: datetime, done: Retained) -> None:
    """Those of whom a mail is being sent just now are left for tomorrow."""
    after = 0
    while not app.stop.is_set():
        with app.store.writing() as connection:
            found = gone_since(connection, before, after=after, most=_PEOPLE)
            for subscriber_id in found:
                try:
                    forget(connection, subscriber_id)
                except Refused:
                    continue
                erasing.erase(connection, subscriber_id)
                done.people += 1
        if len(found) < _PEOPLE:
            return
        after = found[-1]

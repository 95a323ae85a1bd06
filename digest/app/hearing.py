"""Hearing: what providers report comes in, moves what is known, and may ring an alarm that stops all sending."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from digest.app.wiring import App
from digest.delivery import halting
from digest.delivery.alarms import Alarm, count_figures, ringing
from digest.delivery.bounce_rules import SoftRule
from digest.delivery.event import Event
from digest.delivery.events import Applied, apply_events
from digest.delivery.providers.port import EventsRead
from digest.delivery.sending import request_size
from digest.delivery.settling import conclude
from digest.errors import UsageError
from digest.insights.coverage import audit
from digest.issues.calendar import slots_between
from digest.issues.issue import Issue, issue_by_id, list_issues
from digest.issues.topics import silent_topics
from digest.settings import Frequency, NewsletterSettings
from digest.store import tables

_ALARM = "alarm"
_MOST_SLOTS = 1000
_FURTHEST = timedelta(days=2)  # more than any two zones are apart
_ALARMS_EVERY = 10.0  # seconds: a look at the alarms reads a whole issue


def hear(app: App, read: EventsRead, provider: str, only: Issue | None = None) -> Applied:
    """Take in a report of a provider, in one transaction: apply it, conclude what came to its end, look at the alarms."""
    with app.store.writing() as connection:
        applied = apply(app, connection, read.events, provider, only)
        for issue_id in applied.alarming:
            issue = issue_by_id(connection, issue_id)
            _halt(connection, issue, look(app, connection, issue), datetime.now(UTC))
        return applied


def apply(
    app: App,
    connection: Connection,
    events: Iterable[Event],
    provider: str,
    only: Issue | None = None,
) -> Applied:
    """Apply events, and conclude what came to its end; at the alarms of what is `alarming` the caller has to look (`Alarms`)."""
    one = None if only is None else only.id
    real = datetime.now(UTC)
    applied = apply_events(connection, events, keys=app.keys(), provider=provider, now=real, only=one, rule=soft_rule(app))
    for issue_id in applied.changed:
        conclude(connection, issue_by_id(connection, issue_id), now=app.now)
    return applied


class Alarms:
    """Looks at the alarms of issues now and then, and not with every event: each look reads a whole issue."""

    def __init__(self, app: App) -> None:
        self._app, self._last = app, time.monotonic()

    def look(self, alarming: set[int], *, at_once: bool = False) -> None:
        """Look, when it is time; those that were looked at are taken out."""
        if alarming and (at_once or time.monotonic() - self._last > _ALARMS_EVERY):
            halt_for(self._app, sorted(alarming))
            alarming.clear()
            self._last = time.monotonic()


def soft_rule(app: App) -> SoftRule:
    """The rule for bounces that may pass, as configured."""
    return SoftRule(app.settings.bounces.soft, app.settings.bounces.soft_span)


def halt_for(app: App, issue_ids: Iterable[int]) -> None:
    """Look at the alarms of some issues, outside of the transactions that told of them, and halt for those that halt."""
    for issue_id in issue_ids:
        with app.store.reading() as connection:
            issue = issue_by_id(connection, issue_id)
            rings = look(app, connection, issue)
        if any(alarm.halts for alarm in rings):
            with app.store.writing() as connection:
                _halt(connection, issue, rings, datetime.now(UTC))


def watch(app: App, issue: Issue, counted: Mapping[str, int]) -> tuple[Alarm, ...]:
    """The alarms of an issue that was just sent, and `counted`; one that halts, halts all sending."""
    with app.store.writing() as connection:
        rings = look(app, connection, issue, counted)
        _halt(connection, issue, rings, datetime.now(UTC))
        return rings


def look(app: App, connection: Connection, issue: Issue, counted: Mapping[str, int] | None = None) -> tuple[Alarm, ...]:
    """Every alarm that rings for an issue; nothing is changed. `counted` is its account, for who has it already."""
    if issue.audience is None:
        return ()
    bound = request_size(_batch_limit(app), app.settings.delivery.batch, issue.audience)
    figures = count_figures(connection, issue, bound=bound * app.settings.delivery.concurrency, counted=counted)
    newsletter = next((one for one in app.settings.newsletters if one.slug == issue.newsletter), None)
    if newsletter is not None:  # else it is not configured any more
        missed, silent = _missed(connection, newsletter, issue), silent_topics(connection, newsletter, issue)
        figures = replace(figures, missed_slots=missed, silent_topics=silent)
    return ringing(replace(figures, uncovered=audit(connection, issue)))


def reporting_provider(app: App, issue: Issue, wanted: str | None) -> str:
    """Whose format a report about an issue has: the one that was named, or the one that carried it."""
    if wanted is not None:
        return wanted
    batch = tables.batch.c
    with app.store.reading() as connection:
        carried = select(batch.provider).where(batch.issue_id == issue.id).distinct().order_by(batch.provider)
        names = list(connection.execute(carried).scalars())
    if len(names) > 1:
        raise UsageError(f"{issue.name} went out by {' and '.join(names)}: say with --provider whose events these are")
    return names[0] if names else app.settings.delivery.provider


def _halt(connection: Connection, issue: Issue, rings: tuple[Alarm, ...], now: datetime) -> None:
    """Halt once for each alarm of each issue: who lifts it has seen it."""
    for alarm in rings:
        if alarm.halts and not halting.was_halted(connection, _ALARM, f"{issue.name}: {alarm.name}:"):
            halting.halt(connection, f"{issue.name}: {alarm}", _ALARM, now)


def _batch_limit(app: App) -> int:
    try:
        return app.provider().batch_limit
    except UsageError:
        return 1  # it is not configured here; so few are expected that a person is rather told once too often


def _missed(connection: Connection, newsletter: NewsletterSettings, issue: Issue) -> tuple[str, ...]:
    """The slots between an issue and the one before it; none are known where its frequency is not offered any more."""
    if issue.outside:
        return ()
    frequency = Frequency(issue.frequency)
    if frequency not in newsletter.schedule:
        return ()
    others = [one for one in list_issues(connection, issue.newsletter) if one.frequency == issue.frequency]
    before = max((one for one in others if one.slot_at < issue.slot_at), key=lambda one: one.slot_at, default=None)
    if before is None:
        return ()
    # By their names: where readers are reached at their own hour, an issue's slot begins in another zone than the newsletter's.
    span = before.slot_at - _FURTHEST, issue.slot_at + _FURTHEST
    slots = slots_between(newsletter.schedule[frequency], ZoneInfo(newsletter.timezone), *span)
    return tuple(islice((slot.name for slot in slots if before.slot < slot.name < issue.slot), _MOST_SLOTS))

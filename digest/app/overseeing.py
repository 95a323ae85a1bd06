"""Overseeing: what comes next for each newsletter, what went out, and what needs a person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, func, select

from digest.app.wiring import App
from digest.audience.subscription import SubscriptionState
from digest.delivery.account import account
from digest.delivery.halting import in_force
from digest.insights.statistics import reported
from digest.issues.calendar import Slot, due_slot, next_slot
from digest.issues.issue import Issue, issue_of_slot, list_issues
from digest.issues.lifecycle import IssueState
from digest.settings import Frequency, NewsletterSettings
from digest.store import tables

LATEST = 10
"""So many issues that went out are shown."""

_S = IssueState
_WENT_OUT = (_S.SENDING, _S.PAUSED, _S.SENT, _S.CANCELLED)
_NOT_SENT = ("rejected", "suppressed", "cancelled", "expired", "skipped")
_WORDS = {
    _S.HELD: "is held",
    _S.PAUSED: "is paused",
}


@dataclass(frozen=True, slots=True)
class Coming:
    """The next issue of a newsletter's frequency: its slot in words and on its own clock; `articles` None before there is a draft."""

    title: str
    newsletter: str
    offered: str
    frequency: str | None
    when: str
    zone: str
    issue: Issue | None
    articles: int | None
    subscribers: int


@dataclass(frozen=True, slots=True)
class Out:
    """An issue that went out: its account, and how far its mails got by what the provider told."""

    issue: Issue
    when: str
    audience: int
    accepted: int
    not_sent: int
    unknown: int
    delivered: int
    bounced: int
    complained: int


@dataclass(frozen=True, slots=True)
class Wanting:
    """Something that goes on only when a person does something: an issue, or what else."""

    what: str
    why: str
    issue: str | None = None


@dataclass(frozen=True, slots=True)
class Overview:
    """All of it."""

    wanting: tuple[Wanting, ...]
    coming: tuple[Coming, ...]
    out: tuple[Out, ...]


def overview(app: App) -> Overview:
    """As it stands now; reads only."""
    with app.store.reading() as connection:
        issues = list_issues(connection)
        coming = tuple(_coming(app, connection))
        out = tuple(_out(app, connection, issue) for issue in [one for one in issues if one.state in _WENT_OUT][:LATEST])
        return Overview(tuple(_wanting(app, connection, issues, out)), coming, out)


def _coming(app: App, connection: Connection) -> Iterator[Coming]:
    for newsletter in app.newsletters(None):
        for frequency in newsletter.frequencies:
            slot, issue = _next(app, connection, newsletter, frequency)
            if slot is None:
                continue
            yield Coming(
                newsletter.title,
                newsletter.slug,
                frequency.value,
                frequency.value if len(newsletter.frequencies) > 1 else None,
                in_words(slot.at if issue is None else issue.due_at, app.now, ZoneInfo(newsletter.timezone)),
                newsletter.timezone,
                issue,
                None if issue is None else _chosen(connection, issue),
                _subscribers(connection, newsletter, frequency),
            )


def _next(
    app: App, connection: Connection, newsletter: NewsletterSettings, frequency: Frequency
) -> tuple[Slot | None, Issue | None]:
    """The slot that is due and whose issue has not ended, or else the next one; with its issue where there is one."""
    cron, zone = newsletter.schedule[frequency], ZoneInfo(newsletter.timezone)
    due = due_slot(cron, zone, app.settings.started_at, app.now)
    if due is not None:
        issue = issue_of_slot(connection, newsletter.slug, frequency.value, due.name)
        if issue is None or issue.state in (_S.DRAFT, _S.HELD, _S.APPROVED):
            return due, issue
    coming = next_slot(cron, zone, max(app.now, app.settings.started_at))
    return coming, None if coming is None else issue_of_slot(connection, newsletter.slug, frequency.value, coming.name)


def in_words(at: datetime, now: datetime, zone: ZoneInfo) -> str:
    """A time as one says it, on the clock of a zone: `Monday, 23 November, at 09:00, in 3 days`."""
    local, today = at.astimezone(zone), now.astimezone(zone).date()
    days = (local.date() - today).days
    if at <= now:
        far = "due now" if now - at < timedelta(days=1) else "overdue"
    elif days == 0:
        minutes = int((at - now).total_seconds() // 60)
        far = f"in {minutes} minutes" if minutes < 120 else f"today, in {minutes // 60} hours"
    else:
        far = "tomorrow" if days == 1 else f"in {days} days"
    return f"{local:%A, %-d %B, at %H:%M}, {far}"


def _chosen(connection: Connection, issue: Issue) -> int:
    kept = tables.decision.c
    query = select(func.count()).where(kept.issue_id == issue.id, kept.chosen)
    return int(connection.execute(query).scalar_one())


def _subscribers(connection: Connection, newsletter: NewsletterSettings, frequency: Frequency) -> int:
    row = tables.subscription.c
    active = (row.newsletter == newsletter.slug, row.frequency == frequency.value, row.state == SubscriptionState.ACTIVE.value)
    return int(connection.execute(select(func.count()).where(*active)).scalar_one())


def _out(app: App, connection: Connection, issue: Issue) -> Out:
    stands, told = account(connection, issue), reported(connection, issue.id)
    zone = next((ZoneInfo(one.timezone) for one in app.settings.newsletters if one.slug == issue.newsletter), ZoneInfo("UTC"))
    return Out(
        issue,
        f"{(issue.finished_at or issue.planned_at or issue.frozen_at).astimezone(zone):%-d %b %Y, %H:%M}",
        issue.audience or 0,
        stands["accepted"],
        sum(stands[state] for state in _NOT_SENT),
        stands["unknown"],
        *(told[kind] for kind in ("delivered", "bounced", "complained")),
    )


def _wanting(app: App, connection: Connection, issues: list[Issue], out: Iterable[Out]) -> Iterator[Wanting]:
    halted = in_force(connection)
    if halted is not None:
        yield Wanting("Sending is halted.", halted.advice)
    for issue in issues:
        if issue.outside and issue.state is _S.DRAFT:
            yield Wanting(issue.name, f"is a {issue.frequency} that waits for an approval", issue.name)
        if issue.state in _WORDS:
            yield Wanting(issue.name, f"{_WORDS[issue.state]}{': ' + issue.reason if issue.reason else ''}", issue.name)
    for one in out:
        if one.unknown:
            yield Wanting(one.issue.name, f"has {one.unknown:,} of which nobody knows whether they arrived", one.issue.name)
    row = tables.source.c
    configured = {source.name for source in app.settings.sources if source.current}
    dead = connection.execute(select(row.name, row.error).where(row.error.is_not(None)).order_by(row.name))
    for name, error in dead:
        if name in configured:
            yield Wanting(f"The source {name}", f"could not be read: {error}")

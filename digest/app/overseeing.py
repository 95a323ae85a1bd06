"""Overseeing: what comes next for each newsletter, what went out, and what needs a person."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, func, select

from digest.app import slotting
from digest.app.counting import Counted, audience, outcomes, shown_issues
from digest.app.wiring import App
from digest.delivery.account import count_unknown
from digest.delivery.halting import in_force
from digest.insights.comparing import BEFORE, Measure, compare
from digest.issues.calendar import Slot
from digest.issues.issue import Issue, issue_of_slot, issues_in
from digest.issues.lifecycle import IssueState
from digest.settings import Frequency, NewsletterSettings
from digest.store import tables

_S = IssueState
_NOT_SENT = ("rejected", "suppressed", "cancelled", "expired", "skipped")
_WORDS = {
    _S.HELD: "is held",
    _S.PAUSED: "is paused",
}


@dataclass(frozen=True, slots=True)
class Coming:
    """The next issue of a newsletter's frequency: its slot in words and on its own clock; `articles` None before there is a draft,
    `subscribers` None before they were counted."""

    title: str
    newsletter: str
    offered: str
    frequency: str | None
    when: str
    zone: str
    issue: Issue | None
    articles: int | None
    subscribers: int | None


@dataclass(frozen=True, slots=True)
class Out:
    """An issue that went out, and its measures beside the average of those before it; without figures it was not counted yet."""

    issue: Issue
    when: str
    accepted: int
    not_sent: int
    waiting: int
    unknown: int
    measures: tuple[Measure, ...]
    counted: bool
    as_of: datetime | None


@dataclass(frozen=True, slots=True)
class WentOut:
    """The last issues of a newsletter that went out, newest first."""

    title: str
    newsletter: str
    issues: tuple[Out, ...]


@dataclass(frozen=True, slots=True)
class Wanting:
    """Something that goes on only when a person does something: an issue, or what else; `page` is where that is done."""

    what: str
    why: str
    issue: str | None = None
    page: str | None = None


@dataclass(frozen=True, slots=True)
class Overview:
    """All of it. `audience`: its figures, None where nobody has counted yet."""

    wanting: tuple[Wanting, ...]
    coming: tuple[Coming, ...]
    out: tuple[WentOut, ...]
    audience: Counted | None


def overview(app: App) -> Overview:
    """As it stands now, or as it was counted last; reads only."""
    with app.store.reading() as connection:
        figures, shown = audience(app, connection), shown_issues(app, connection)
        known = outcomes(connection, [issue for some in shown.values() for issue in some])
        out = tuple(WentOut(one.title, one.slug, _out(one, shown[one.slug], known)) for one in app.newsletters(None))
        wanting = _wanting(app, connection, shown, known)
        return Overview(tuple(wanting), tuple(_coming(app, connection, figures)), out, figures)


def _coming(app: App, connection: Connection, figures: Counted | None) -> Iterator[Coming]:
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
                None if figures is None else _readers(figures.value, newsletter.slug, frequency.value),
            )


def _readers(figures: Mapping[str, Any], newsletter: str, frequency: str) -> int:
    found: int = figures.get(newsletter, {}).get("active", {}).get(frequency, 0)
    return found


def _next(
    app: App, connection: Connection, newsletter: NewsletterSettings, frequency: Frequency
) -> tuple[Slot | None, Issue | None]:
    """The slot that is due and whose issue has not ended, or else the next one; with its issue where there is one."""
    due = slotting.due(app, newsletter, frequency)
    if due is not None:
        issue = issue_of_slot(connection, newsletter.slug, frequency.value, due.name)
        if issue is None or issue.state in (_S.DRAFT, _S.HELD, _S.APPROVED):
            return due, issue
    coming = slotting.coming(app, newsletter, frequency)
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


def _out(newsletter: NewsletterSettings, issues: Sequence[Issue], known: Mapping[int, Counted]) -> tuple[Out, ...]:
    """At most ten; each is compared with those before it, as far as they were counted."""
    zone, shown = ZoneInfo(newsletter.timezone), []
    for place, issue in enumerate(issues[:BEFORE]):
        when = f"{(issue.finished_at or issue.planned_at or issue.frozen_at).astimezone(zone):%-d %b %Y, %H:%M}"
        counted = known.get(issue.id)
        if counted is None:
            shown.append(Out(issue, when, 0, 0, 0, 0, (), False, None))
            continue
        before = [known[one.id].value for one in issues[place + 1 :] if one.id in known]
        stands = counted.value["account"]
        accepted, unknown, not_sent = stands["accepted"], stands["unknown"], sum(stands[state] for state in _NOT_SENT)
        waiting = sum(stands.values()) - accepted - unknown - not_sent
        measures = compare(counted.value, before)
        shown.append(Out(issue, when, accepted, not_sent, waiting, unknown, measures, True, counted.at))
    return tuple(shown)


def _wanting(
    app: App, connection: Connection, shown: Mapping[str, Sequence[Issue]], known: Mapping[int, Counted]
) -> Iterator[Wanting]:
    halted = in_force(connection)
    if halted is not None:
        yield Wanting("Sending is halted.", halted.advice)
    for issue in issues_in(connection, [_S.DRAFT]):
        if issue.outside:
            yield Wanting(issue.name, f"is a {issue.frequency} that waits for an approval", issue.name)
    for issue in issues_in(connection, list(_WORDS)):
        yield Wanting(issue.name, f"{_WORDS[issue.state]}{': ' + issue.reason if issue.reason else ''}", issue.name)
    for issue in (one for some in shown.values() for one in some):
        unknown = count_unknown(connection, issue.id)
        if unknown:
            page = f"/editor/deliveries?issue={issue.name}&state=unknown"
            yield Wanting(issue.name, f"has {unknown:,} of which nobody knows whether they arrived", page=page)
        if issue.id in known and known[issue.id].value["wrong"]:
            yield Wanting(issue.name, known[issue.id].value["wrong"], issue.name)
    yield from _sources(app, connection)


def _sources(app: App, connection: Connection) -> Iterator[Wanting]:
    row = tables.source.c
    configured = {source.name for source in app.settings.sources if source.current}
    dead = connection.execute(select(row.name, row.error).where(row.error.is_not(None)).order_by(row.name))
    for name, error in dead:
        if name in configured:
            yield Wanting(f"The source {name}", f"could not be read: {error}", page="/editor/sources")

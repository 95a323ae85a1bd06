"""Unapproved: reminders while nobody has approved an issue, and what becomes of it when its time has come."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from digest.app import issuing, slotting
from digest.app.noticing import Notice, anybody_told, put
from digest.app.wiring import App
from digest.issues.calendar import Slot
from digest.issues.issue import Issue, issue_of_slot, list_issues
from digest.issues.lifecycle import NOBODY, IssueState
from digest.settings import Frequency, NewsletterSettings, format_duration

_S = IssueState
WAITS = "it waits for an approval"

_OTHERWISE = {
    "hold": "Without an approval it is held.",
    "skip": "Without an approval it is skipped.",
    "send": "Without an approval it is sent all the same.",
}


def remind(app: App) -> int:
    """Remind editors of what goes out soon and that nobody has approved, once for each `notices.remind`; how many reminders were made."""
    if not anybody_told(app):
        return 0
    made = 0
    for newsletter in app.newsletters(None):
        if newsletter.approval != "required":
            continue
        for name, due_at, title, words in _waiting(app, newsletter):
            lead = _due(app.settings.notices.remind, due_at - app.now)
            if lead is None:
                continue
            key = f"reminder {name} {due_at:%Y-%m-%dT%H:%M} {format_duration(lead)}"
            zone = ZoneInfo(newsletter.timezone)
            when = f"It is to go out {due_at.astimezone(zone):%A, %-d %B, at %H:%M} ({newsletter.timezone})."
            issue = name if "/" in name else None
            with app.store.writing() as connection:
                made += put(
                    app, connection, Notice("reminder", key, title, f"{words} {when} {_OTHERWISE[newsletter.unapproved]}", issue)
                )
    return made


def _due(leads: tuple[timedelta, ...], left: timedelta) -> timedelta | None:
    """The shortest of the leads that have begun: of several that begin at once, one reminder is enough."""
    return min((lead for lead in leads if left <= lead), default=None)


def _waiting(app: App, newsletter: NewsletterSettings) -> Iterator[tuple[str, datetime, str, str]]:
    """What is to go out and has no approval: its name, when, what is missing, and more words on that."""
    with app.store.reading() as connection:
        issues = list_issues(connection, newsletter.slug)
    for issue in issues:
        if issue.state in (_S.DRAFT, _S.HELD) and issue.due_at > app.now:
            words = "Nobody has approved it." if issue.rendered else issue.reason or ""
            yield issue.name, issue.due_at, f"{issue.name} waits for an approval", words
    for frequency in newsletter.frequencies:
        slot = slotting.coming(app, newsletter, frequency)
        if slot is not None and _made(app, newsletter, frequency, slot) is None:
            name = f"{newsletter.slug}, {frequency.value}"
            yield (
                name,
                slot.at,
                f"{newsletter.slug} has no draft yet",
                "Nobody has drafted what comes next, and nobody can approve it.",
            )


def _made(app: App, newsletter: NewsletterSettings, frequency: Frequency, slot: Slot) -> Issue | None:
    with app.store.reading() as connection:
        return issue_of_slot(connection, newsletter.slug, frequency.value, slot.name)


def decide_without(app: App, newsletter: NewsletterSettings, issue: Issue) -> Issue | None:
    """What the newsletter's policy makes of a rendered issue that nobody has approved and whose time has come: sent all the same, or
    skipped; None where it is to be held. `Refused` by the checks where it would be sent."""
    if newsletter.approval != "required" or newsletter.unapproved == "hold":
        return None
    if newsletter.unapproved == "skip":
        return issuing.skip(app, issue, "run", "nobody had approved it when it was to go out; its articles come with the next")
    return issuing.approve(app, issue, NOBODY)

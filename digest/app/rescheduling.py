"""Rescheduling: an issue goes out at another time than its slot. The slot goes on to name it, so there is no second issue for it, and
what was approved stays approved: the time is no part of what is signed."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import update

from digest.app import slotting
from digest.app.revising import Overtaken
from digest.app.wiring import App
from digest.errors import Refused, UsageError
from digest.issues import revisions
from digest.issues.issue import Issue, find_issue
from digest.issues.lifecycle import WHY_NOT, IssueState, record
from digest.settings import Frequency
from digest.store import tables

_S = IssueState
_UNPLANNED = (_S.DRAFT, _S.HELD, _S.APPROVED)


def reschedule(app: App, name: str, at: datetime | None, *, actor: str, revision: int | None = None) -> Issue:
    """Let an issue go out at a time to come, before or after its slot; None: at its slot after all. Refused once it is planned.

    The next slot has to be later: what has not gone out by then is that one's. `Overtaken` where another revision was seen.
    """
    with app.store.writing() as connection:
        issue = find_issue(connection, name)
        if revision is not None and issue.revision != revision:
            raise Overtaken(issue, revisions.since(connection, issue.id, revision))
        if issue.state not in _UNPLANNED:
            raise Refused(f"issue {issue.name} cannot go out at another time: {WHY_NOT[issue.state]}")
        if at is not None:
            _in_time(app, issue, at)
        # Held for want of an approval at the time that was: it may be had until the one that is.
        waits = issue.state is _S.HELD and issue.rendered and (at or issue.slot_at) > app.now
        values = {"send_at": at} | ({"state": _S.DRAFT.value, "reason": None} if waits else {})
        row = tables.issue.c
        mine = (row.id == issue.id, row.state == issue.state.value, row.revision == issue.revision)
        if connection.execute(update(tables.issue).where(*mine).values(values)).rowcount != 1:
            raise Refused(f"issue {issue.name} was changed meanwhile; look at it again")
        to, reason = _S.DRAFT if waits else issue.state, _said(app, issue, at)
        record(connection, issue.id, issue.state, to, actor=actor, now=app.now, reason=reason)
        return find_issue(connection, name)


def latest(app: App, issue: Issue) -> datetime | None:
    """By when an issue has to go out: when the next slot of its frequency comes. None where none does, and outside the slots."""
    newsletter = next((one for one in app.settings.newsletters if one.slug == issue.newsletter), None)
    if newsletter is None or issue.outside:
        return None
    frequency = Frequency(issue.frequency)
    if frequency not in newsletter.schedule:
        return None
    following = slotting.coming(app, newsletter, frequency, after=issue.slot_at)
    while following is not None and following.name <= issue.slot:  # its own, in the zones of now
        following = slotting.coming(app, newsletter, frequency, after=following.at)
    return None if following is None else following.at


def local(app: App, issue: Issue, text: str) -> datetime:
    """A time as it is written, such as `2026-11-23T10:30`; without an offset it is the newsletter's."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"at: {text!r} is not a time; write it as 2026-11-23T10:30") from None
    zone = ZoneInfo(app.newsletter(issue.newsletter).timezone)
    return found if found.tzinfo is not None else found.replace(tzinfo=zone)


def _in_time(app: App, issue: Issue, at: datetime) -> None:
    zone = ZoneInfo(app.newsletter(issue.newsletter).timezone)
    if at <= app.now:
        raise UsageError(f"at: {at.astimezone(zone):%Y-%m-%d %H:%M} has passed; `digest send {issue.name}` sends it now")
    until = latest(app, issue)
    if until is not None and at >= until:
        raise Refused(
            f"issue {issue.name} has to go out before the next slot comes, {until.astimezone(zone):%Y-%m-%d %H:%M}:"
            " from then on its articles are that one's; skip it, and they come with it"
        )


def _said(app: App, issue: Issue, at: datetime | None) -> str:
    zone = app.newsletter(issue.newsletter).timezone
    return "goes out at its slot" if at is None else f"goes out {at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M} ({zone})"

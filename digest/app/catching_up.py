"""Catching up: what was not begun when its time came, because nobody was there, and is let go by the newsletter's policy.

Nothing is lost by it: an issue that is let go moves no coverage point, so its articles stand in the next one.
"""

from __future__ import annotations

from digest.app import issuing, slotting
from digest.app.wiring import App
from digest.errors import Refused
from digest.issues.calendar import Slot
from digest.issues.issue import Issue, issue_of_slot, list_issues
from digest.issues.lifecycle import IssueState
from digest.settings import NewsletterSettings, format_duration

_S = IssueState


def let_go(app: App, newsletter: NewsletterSettings) -> list[Issue]:
    """Skip the issues that it is too late for, and with `merge` those whose articles go into the one that is due; oldest first.

    One that waits for a person's word, or of which a person has said when it goes out, is left alone.
    """
    with app.store.reading() as connection:
        issues = list_issues(connection, newsletter.slug)[::-1]
    waiting = [
        one
        for one in issues
        if one.slot_at <= app.now and (one.send_at is None or one.send_at <= app.now) and one.frequency in newsletter.schedule
    ]
    return [gone for one in waiting if _is_ours(newsletter, one) and (gone := _let_go(app, newsletter, one)) is not None]


def _is_ours(newsletter: NewsletterSettings, issue: Issue) -> bool:
    needs_nobody = newsletter.approval == "automatic" or newsletter.unapproved != "hold"
    return issue.state is _S.APPROVED or (issue.state in {_S.DRAFT, _S.HELD} and needs_nobody)


def _let_go(app: App, newsletter: NewsletterSettings, issue: Issue) -> Issue | None:
    reason = _why(app, newsletter, issue)
    if reason is None:
        return None
    try:
        return issuing.skip(app, issue, "run", reason)
    except Refused:  # somebody took it elsewhere meanwhile
        return None


def _why(app: App, newsletter: NewsletterSettings, issue: Issue) -> str | None:
    if newsletter.patience is not None and slotting.has_missed(app, newsletter, issue):
        return f"its slot passed more than {format_duration(newsletter.patience)} ago; its articles go into the next issue"
    frequency = next(one for one in newsletter.schedule if one.value == issue.frequency)
    due = slotting.due(app, newsletter, frequency)
    if due is None or due.name <= issue.slot or slotting.too_late(app, newsletter, frequency, due):
        return None
    if newsletter.catch_up == "merge" or (issue.state is not _S.APPROVED and _has_issue(app, issue, due)):
        return f"its slot passed; its articles go into that of {due.name}"
    return None


def _has_issue(app: App, issue: Issue, slot: Slot) -> bool:
    """Whether the issue of a later slot is there already, drafted ahead: then nobody asks any more what came before it."""
    with app.store.reading() as connection:
        return issue_of_slot(connection, issue.newsletter, issue.frequency, slot.name) is not None

"""Drafting ahead: so long before its slot as the newsletter says, an issue is there to be looked at."""

from __future__ import annotations

from digest.app import issuing, slotting
from digest.app.wiring import App
from digest.errors import Refused
from digest.issues.issue import Issue, issue_of_slot, list_issues
from digest.issues.lifecycle import IssueState
from digest.settings import NewsletterSettings


def draft_ahead(app: App, newsletter: NewsletterSettings) -> list[Issue]:
    """Draft the coming slots whose lead time has begun. What would be skipped today is looked at again: its time has not come."""
    if newsletter.draft_before is None:
        return []
    drafted = []
    for frequency in newsletter.frequencies:
        slot = slotting.coming(app, newsletter, frequency)
        if slot is None or slot.at - newsletter.draft_before > app.now:
            continue
        with app.store.reading() as connection:
            if issue_of_slot(connection, newsletter.slug, frequency.value, slot.name) is not None:
                continue
            if any(
                one.state is IssueState.SENDING and one.frequency == frequency.value
                for one in list_issues(connection, newsletter.slug)
            ):
                continue  # what that one brings would be taken for new
        try:
            drafted.append(issuing.draft(app, newsletter, frequency, slot, "run"))
        except Refused:
            continue
    return drafted

"""Guarding: an audience far above the last issue's is a bad import until a person says that it is not."""

from __future__ import annotations

from sqlalchemy import Connection, select

from digest.errors import Refused
from digest.issues.issue import Issue
from digest.settings import Delivery, Frequency
from digest.store import tables

_issue = tables.issue.c


class AudienceJump(Refused):
    """The audience has to be confirmed before anything is planned; `audience` is how large it is."""

    def __init__(self, name: str, audience: int, before: int) -> None:
        self.audience = audience
        self.question = f"Issue {name} would go to {audience:,} subscribers, the one before went to {before:,}."
        super().__init__(
            f"issue {name} would go to {audience:,} subscribers, the one before went to {before:,}; "
            f"if that is right, `digest send {name} --confirm-audience {audience}`"
        )


def is_jump(audience: int, before: int | None, confirmed: int | None, settings: Delivery) -> bool:
    """Whether an audience has to be confirmed: large, far above the last one, and nobody has said yes to so many."""
    if not settings.audience_factor or before is None or audience < settings.audience_from:
        return False
    return audience > settings.audience_factor * before and audience > (confirmed or 0)


def check_audience(connection: Connection, issue: Issue, audience: int, settings: Delivery) -> None:
    """Raises `AudienceJump` where a person has to confirm an audience."""
    before = last_audience(connection, issue)
    if before is not None and is_jump(audience, before, issue.audience_confirmed, settings):
        raise AudienceJump(issue.name, audience, before)


def last_audience(connection: Connection, issue: Issue) -> int | None:
    """How many the last issue of the same newsletter and frequency was planned for; of a special issue, the last of each frequency
    together. None when there was none; a correction goes to no more than were sent what it corrects."""
    if issue.is_correction:
        return None
    if not issue.outside:
        return _last(connection, issue, issue.frequency)
    found = [_last(connection, issue, frequency.value) for frequency in Frequency]
    return sum(one or 0 for one in found) if any(one is not None for one in found) else None


def _last(connection: Connection, issue: Issue, frequency: str) -> int | None:
    query = (
        select(_issue.audience)
        .where(_issue.newsletter == issue.newsletter, _issue.frequency == frequency, _issue.id != issue.id)
        .where(_issue.planned_at.is_not(None), _issue.slot_at <= issue.slot_at)
        .order_by(_issue.planned_at.desc(), _issue.id.desc())
        .limit(1)
    )
    return connection.execute(query).scalar_one_or_none()

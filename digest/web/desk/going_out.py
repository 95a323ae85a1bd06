"""Going out: what an issue's page shows of when it goes out, whether it is wanted now, and how far it has got."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from digest.app import conducting, rescheduling
from digest.app.overseeing import in_words
from digest.delivery.guarding import AudienceJump
from digest.delivery.transitions import DeliveryState
from digest.issues.issue import Issue
from digest.issues.lifecycle import IssueState
from digest.web.desk.doors import Visit
from digest.web.desk.watching import Going

_UNPLANNED = (IssueState.DRAFT, IssueState.HELD, IssueState.APPROVED)
_ALWAYS = (DeliveryState.PLANNED, DeliveryState.SENDING, DeliveryState.ACCEPTED, DeliveryState.UNKNOWN)


@dataclass(frozen=True, slots=True)
class GoingOut:
    """`when` it goes out in words, where that is not its slot; `until` when it has to; `waits` for what it waits that is wanted now (None:
    it is not wanted); `going` how far it has got, once it is planned; `figures` what is shown of that; `jump` what has to be answered before
    it is sent now."""

    zone: str
    when: str | None
    written: str
    until: str | None
    waits: str | None
    going: Going | None
    figures: tuple[tuple[str, int], ...]
    jump: AudienceJump | None

    @property
    def live(self) -> bool:
        """Whether there is more to come by itself."""
        return self.waits is not None or (self.going is not None and self.going.standing.goes_out)


def going_out(visit: Visit, issue: Issue, zone: ZoneInfo) -> GoingOut:
    """All of it, on the newsletter's clock; reads only."""
    going = None if issue.audience is None else visit.site.watch.look(visit.app, issue.name)
    until = rescheduling.latest(visit.app, issue) if issue.state in _UNPLANNED else None
    return GoingOut(
        zone.key,
        None if issue.send_at is None else in_words(issue.send_at, visit.app.now, zone),
        _written(issue.due_at, zone),
        None if until is None else _written(until, zone),
        visit.site.outgoing.waits(issue.name),
        going,
        () if going is None else _figures(going),
        conducting.question(visit.app, issue) if issue.state is IssueState.APPROVED else None,
    )


def _written(at: datetime, zone: ZoneInfo) -> str:
    """As a field for dates has it, on the newsletter's clock."""
    return f"{at.astimezone(zone):%Y-%m-%dT%H:%M}"


def _figures(going: Going) -> tuple[tuple[str, int], ...]:
    counted = going.standing.account
    return tuple((state.value, counted[state.value]) for state in DeliveryState if state in _ALWAYS or counted[state.value])

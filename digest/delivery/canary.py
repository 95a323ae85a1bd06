"""The canary: the first share of an issue goes out, then a wait, then a look at what became of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sqlalchemy import Connection, case, func, or_, select

from digest.delivery.event import Kind
from digest.delivery.transitions import DeliveryState
from digest.issues.issue import Issue
from digest.issues.lifecycle import IssueState
from digest.settings import Delivery
from digest.store import tables

REASON = "the canary: "
_row, _line = tables.delivery.c, tables.issue_history.c
_BAD = (Kind.BOUNCED.value, Kind.COMPLAINED.value)


@dataclass(frozen=True, slots=True)
class Tried:
    """How many were tried, and of how many that was a bad sign: refused, bounced, complained."""

    many: int
    bad: int

    def verdict(self, bound: float) -> str | None:
        """Why the rest must not go out; None when it may."""
        if self.bad <= bound * self.many:
            return None
        return f"{REASON}{self.bad:,} of the first {self.many:,} were refused, bounced or complained; more than {bound:.1%}"


def size(settings: Delivery, audience: int) -> int:
    """How many the canary is; 0 without one."""
    return math.ceil(settings.canary * audience)


def tried(connection: Connection, issue: Issue) -> Tried:
    """What is known of those that were tried so far."""
    bad = or_(_row.state == DeliveryState.REJECTED.value, _row.reported.in_(_BAD))
    counted = select(func.count(), func.coalesce(func.sum(case((bad, 1), else_=0)), 0))
    many, of_them = connection.execute(counted.where(_row.issue_id == issue.id, _row.attempts > 0)).one()
    return Tried(int(many), int(of_them))


def is_overruled(connection: Connection, issue: Issue) -> bool:
    """Whether the canary has stopped the issue before, so that it was a person who let it go on."""
    where = (_line.issue_id == issue.id, _line.to_state == IssueState.PAUSED.value, _line.reason.startswith(REASON))
    return connection.execute(select(_line.id).where(*where).limit(1)).first() is not None

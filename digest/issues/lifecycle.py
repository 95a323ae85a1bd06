"""The states of an issue, and the steps between them: compare-and-set, each with its actor and reason."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, insert, select, update

from digest.errors import Refused
from digest.store import tables


class IssueState(StrEnum):
    """Where an issue stands."""

    DRAFT = "draft"  # frozen; waits for its slot or for an approval
    HELD = "held"  # its slot has come and something is missing: an approval, a template that works
    APPROVED = "approved"  # may go out
    SENDING = "sending"  # planned; open while any delivery is
    PAUSED = "paused"  # planned, and nothing leaves until someone resumes it
    SENT = "sent"  # nothing is open any more
    SKIPPED = "skipped"  # will not go out, its articles roll over
    CANCELLED = "cancelled"  # what had not gone out will not


_S = IssueState

AUTOMATIC = "automatic"
NOBODY = "nobody, by unapproved = send"
BY_ITSELF = frozenset({AUTOMATIC, NOBODY})
"""Who has approved an issue that no person has: its newsletter needs nobody, or sends it all the same."""
STEPS: dict[IssueState, frozenset[IssueState]] = {
    _S.DRAFT: frozenset({_S.APPROVED, _S.HELD, _S.SKIPPED, _S.CANCELLED, _S.DRAFT}),
    _S.HELD: frozenset({_S.APPROVED, _S.DRAFT, _S.HELD, _S.SKIPPED, _S.CANCELLED}),
    _S.APPROVED: frozenset({_S.SENDING, _S.DRAFT, _S.HELD, _S.SKIPPED, _S.CANCELLED}),
    _S.SENDING: frozenset({_S.PAUSED, _S.SENT, _S.CANCELLED}),
    _S.PAUSED: frozenset({_S.SENDING, _S.CANCELLED}),
    _S.SENT: frozenset(),
    _S.SKIPPED: frozenset(),
    _S.CANCELLED: frozenset(),
}

WHY_NOT = {
    _S.DRAFT: "it is a draft; approve it first with `digest issues approve`",
    _S.HELD: "it is held; `digest issues show` says why",
    _S.APPROVED: "it is approved and not yet being sent",
    _S.SENDING: "it is being sent; pause or cancel it instead",
    _S.PAUSED: "it is paused; resume it with `digest issues resume`",
    _S.SENT: "it has been sent",
    _S.SKIPPED: "it was skipped",
    _S.CANCELLED: "it was cancelled",
}


def step(
    connection: Connection,
    issue_id: int,
    name: str,
    from_state: IssueState,
    to_state: IssueState,
    *,
    actor: str,
    now: datetime,
    reason: str | None = None,
    of_revision: int | None = None,
    **values: Any,
) -> None:
    """Take an issue from one state to another and record it; refuse a step that does not exist or was overtaken.

    With `of_revision` it has to be at that revision still.
    """
    if to_state not in STEPS[from_state]:
        raise Refused(f"issue {name} cannot become {to_state}: {WHY_NOT[from_state]}")
    where = [tables.issue.c.id == issue_id, tables.issue.c.state == from_state.value]
    where += [] if of_revision is None else [tables.issue.c.revision == of_revision]
    done = connection.execute(update(tables.issue).where(*where).values(state=to_state.value, reason=reason, **values))
    if done.rowcount != 1:
        found = IssueState(connection.execute(select(tables.issue.c.state).where(tables.issue.c.id == issue_id)).scalar_one())
        why = "it was changed; look at it again" if found is from_state else WHY_NOT[found]
        raise Refused(f"issue {name} cannot become {to_state}: meanwhile {why}")
    record(connection, issue_id, from_state, to_state, actor=actor, now=now, reason=reason)


def time_after_void(send_at: datetime | None, now: datetime) -> datetime | None:
    """When an issue goes out whose approval has become void: that it was to go out by now was said of what had been approved."""
    return None if send_at is None or send_at <= now else send_at


def record(
    connection: Connection,
    issue_id: int,
    from_state: IssueState | None,
    to_state: IssueState,
    *,
    actor: str,
    now: datetime,
    reason: str | None = None,
) -> None:
    """Append one line to an issue's history."""
    line = {
        "issue_id": issue_id,
        "from_state": None if from_state is None else from_state.value,
        "to_state": to_state.value,
        "actor": actor,
        "reason": reason,
        "at": now,
    }
    connection.execute(insert(tables.issue_history).values(line))

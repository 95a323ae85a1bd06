"""The account of an issue: how many deliveries stand where. Its sum is the audience, always."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, select

from digest.delivery import statements
from digest.delivery.statements import stands
from digest.delivery.transitions import UNSENT, DeliveryState
from digest.errors import DigestError
from digest.issues.issue import Issue
from digest.store import tables

_row = tables.delivery.c


def account(connection: Connection, issue: Issue) -> dict[str, int]:
    """How many deliveries stand in each state, every state named; raises when the sum is not the audience that was frozen."""
    counted = select(_row.state, func.count()).where(_row.issue_id == issue.id).group_by(_row.state)
    found = {state.value: 0 for state in DeliveryState} | {row.state: row[1] for row in connection.execute(counted)}
    if sum(found.values()) != (issue.audience or 0):
        raise DigestError(
            f"the account of {issue.name} does not balance: {sum(found.values())} deliveries, {issue.audience or 0} planned;"
            " nothing more should be sent before this is understood"
        )
    return found


def unsent(connection: Connection, issue_id: int, *, below: int | None = None) -> int:
    """How many deliveries something may still happen to by itself; with `below`, of the renditions that are numbered lower."""
    where = [_row.issue_id == issue_id, stands(*UNSENT)]
    where += [] if below is None else [_row.rendition < below]
    return connection.execute(select(func.count()).where(*where)).scalar_one()


def unknown(connection: Connection, issue_id: int, *, before: datetime | None = None) -> list[int]:
    """Whose deliveries are unknown; with `before`, only those that have been so since then."""
    theirs = select(_row.subscriber_id).where(_row.issue_id == issue_id, stands(DeliveryState.UNKNOWN))
    if before is not None:
        line = tables.history.c
        recent = select(line.subscriber_id).where(
            line.issue_id == issue_id, line.to_state == DeliveryState.UNKNOWN.value, line.at > before
        )
        theirs = theirs.where(_row.subscriber_id.not_in(recent))
    return list(connection.execute(theirs).scalars())


def count_unknown(connection: Connection, issue_id: int) -> int:
    """How many deliveries are unknown; by the index of open ones, however many the issue has."""
    where = (_row.issue_id == issue_id, stands(DeliveryState.UNKNOWN))
    return int(connection.execute(select(func.count()).where(*where)).scalar_one())


def next_retry(connection: Connection, issue_id: int) -> datetime | None:
    """When the first delivery that has to wait for its time may be tried (again)."""
    (first,) = statements.NEXT.run(connection, {"issue": issue_id}).fetchone()
    return None if first is None else datetime.fromisoformat(first)

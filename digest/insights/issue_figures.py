"""Figures of an issue that went out: its account, how far its mails got, who read it, and who left after it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, func, select

from digest.audience.subscription import SubscriptionState
from digest.delivery.account import account
from digest.delivery.transitions import DeliveryState
from digest.errors import DigestError
from digest.insights.engagement import TOLD, whole
from digest.issues.issue import Issue
from digest.store import tables

NAME = "issue"


def mark(connection: Connection, issue: Issue) -> str:
    """What the figures depend on: where this is the same, they are."""
    last = (select(func.coalesce(func.max(table.c.id), 0)) for table in (tables.event, tables.history, tables.consent))
    return ".".join([issue.state.value, *(str(connection.execute(one).scalar_one()) for one in last)])


def count_issue(connection: Connection, issue: Issue) -> dict[str, Any]:
    """`account`; `told`, by kind how many readers, None where nobody tells; and `left`, who unsubscribed until the next issue.

    Opens and clicks are people's: robots are left out. `wrong` says what is the matter with an account that does not balance.
    """
    wrong, stands = None, {state.value: 0 for state in DeliveryState}
    try:
        stands = account(connection, issue)
    except DigestError as error:
        wrong = str(error)
    heard = whole(connection, issue)
    told = {kind.value: None if heard[kind.value] is None else heard[kind.value]["unique"] for kind in TOLD}
    return {"account": stands, "wrong": wrong, "told": told, "left": _left(connection, issue)}


def _left(connection: Connection, issue: Issue) -> int:
    """How many subscriptions of its newsletter and frequency ended between it and the next one."""
    if issue.planned_at is None:
        return 0
    following, subscription = tables.issue.c, tables.subscription.c
    same = (following.newsletter == issue.newsletter, following.frequency == issue.frequency)
    until = connection.execute(
        select(func.min(following.planned_at)).where(*same, following.planned_at > issue.planned_at)
    ).scalar()
    ended = (
        subscription.newsletter == issue.newsletter,
        subscription.frequency == issue.frequency,
        subscription.state == SubscriptionState.UNSUBSCRIBED.value,
        subscription.ended_at >= issue.planned_at,
    )
    query = select(func.count()).where(*ended)
    return int(connection.execute(query if until is None else query.where(subscription.ended_at < until)).scalar_one())

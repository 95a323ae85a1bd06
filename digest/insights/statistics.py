"""Statistics: the account of an issue, and one person's deliveries."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, select

from digest.delivery.account import account
from digest.delivery.event import REPORTED, Kind
from digest.delivery.had import ALREADY
from digest.insights.engagement import engagement
from digest.issues.issue import Issue, frozen_of
from digest.issues.selection import Reason
from digest.issues.withdrawn import left_out, withdrawn_from
from digest.store import tables


def statistics(connection: Connection, issue: Issue) -> dict[str, Any]:
    """`issue, state, audience, account` and more; the account names every state and sums to the audience.

    `paused` are beside the audience; `had_already` and `away_too_long` count readers in it; `engagement` is what providers told.
    """
    row, batch = tables.delivery.c, tables.batch.c
    providers = (
        select(batch.provider, func.count())
        .join(tables.delivery, (row.issue_id == batch.issue_id) & (row.batch_id == batch.id))
        .where(batch.issue_id == issue.id, row.attempts > 0)
        .group_by(batch.provider)
    )
    return {
        "issue": issue.name,
        "state": issue.state.value,
        "reason": issue.reason,
        "audience": issue.audience or 0,
        "account": account(connection, issue),
        "paused": issue.paused_readers or 0,
        "had_already": _had_already(connection, issue),
        "away_too_long": _away_too_long(connection, issue),
        "providers": {found.provider: found[1] for found in connection.execute(providers)},
        "left_out": [asdict(one) for one in left_out(connection, issue)],
        "reported": reported(connection, issue.id),
        "engagement": engagement(connection, issue),
    }


def _had_already(connection: Connection, issue: Issue) -> dict[str, int]:
    """How many of its candidates everybody had from elsewhere, and how many readers had one of their own."""
    kept = tables.decision.c
    articles = select(func.count()).where(kept.issue_id == issue.id, kept.reason == Reason.HAD_ALREADY.value)
    readers = _readers(issue, tables.audience_group.c.had.contains(ALREADY))
    return {"articles": connection.execute(articles).scalar_one(), "readers": connection.execute(readers).scalar_one()}


def _away_too_long(connection: Connection, issue: Issue) -> int:
    """How many readers lagged so far behind that what came in the first part of their absence had expired."""
    floor = frozen_of(connection, issue).floor
    return int(connection.execute(_readers(issue, tables.audience_group.c.coverage < floor)).scalar_one())


def _readers(issue: Issue, which: ColumnElement[bool]) -> Select[Any]:
    row, group = tables.delivery.c, tables.audience_group.c
    joined = tables.delivery.join(tables.audience_group, (group.issue_id == row.issue_id) & (group.number == row.group_number))
    return select(func.count()).select_from(joined).where(row.issue_id == issue.id, row.state != "suppressed", which)


def reported(connection: Connection, issue_id: int) -> dict[str, int]:
    """The furthest that the provider's events told, by how many; and how many were dropped after they had been taken."""
    row, event = tables.delivery.c, tables.event.c
    counted = select(row.reported, func.count()).where(row.issue_id == issue_id, row.reported.is_not(None))
    found = {line.reported: line[1] for line in connection.execute(counted.group_by(row.reported))}
    taken = (row.issue_id == event.issue_id) & (row.subscriber_id == event.subscriber_id) & (row.state == "accepted")
    dropped = (
        select(func.count(event.subscriber_id.distinct()))
        .join(tables.delivery, taken)
        .where(event.issue_id == issue_id, event.kind == Kind.REJECTED.value, row.reported.is_(None))
    )
    return {kind.value: found.get(kind.value, 0) for kind in REPORTED} | {"dropped": connection.execute(dropped).scalar_one()}


def decisions(connection: Connection, issue: Issue) -> list[dict[str, Any]]:
    """The decision for every candidate of an issue, chosen ones first; with a sub-revision where it was withdrawn later."""
    withdrawn = withdrawn_from(connection, issue.id)
    titles = {article.id: article.title for article in frozen_of(connection, issue).content.articles}
    kept = tables.decision.c
    rows = connection.execute(select(*kept).where(kept.issue_id == issue.id).order_by(kept.position))
    return [
        {
            "article": row.article_id,
            "title": titles.get(row.article_id, ""),
            "chosen": row.chosen,
            "reason": row.reason,
            "topic": row.topic,
            "left_out_from": withdrawn.get(row.article_id),
        }
        for row in rows
    ]


def deliveries_of(connection: Connection, subscriber_id: int) -> list[dict[str, Any]]:
    """Every delivery to one person, newest first."""
    row, issue = tables.delivery.c, tables.issue.c
    query = (
        select(issue.newsletter, issue.number, issue.slot, row.state, row.attempts, row.answer)
        .join(tables.issue, issue.id == row.issue_id)
        # Every issue, by its name: the key of deliveries begins with it, and else all of them are read for one person.
        .where(row.issue_id.in_(select(issue.id)), row.subscriber_id == subscriber_id)
        .order_by(issue.slot_at.desc())
    )
    return [
        {
            "issue": f"{found.newsletter}/{found.number}",
            "slot": found.slot,
            "state": found.state,
            "attempts": found.attempts,
            "answer": found.answer,
        }
        for found in connection.execute(query)
    ]

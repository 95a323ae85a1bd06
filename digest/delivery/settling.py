"""Settling: when nothing of an issue is waiting any more, everyone considered moves on.

Coverage points move to the issue's cutoff, with or without mail; what a subscription qualified for and did not get is
owed. Set-based for all who stand as the plan found them; one by one for the few whom another issue changed meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Case, ColumnElement, Connection, Select, case, delete, insert, select, update

from digest.delivery.account import unknown, unsent
from digest.delivery.batches import close_batches
from digest.delivery.transitions import DeliveryState
from digest.issues import pool
from digest.issues.issue import Issue, issue_by_id
from digest.issues.lifecycle import IssueState, step
from digest.issues.owed import format_owed, older, parse_owed
from digest.store import tables

_S = DeliveryState
_WENT = [state.value for state in (_S.ACCEPTED, _S.UNKNOWN)]
_GIVEN_BACK = [state.value for state in (_S.REJECTED, _S.EXPIRED, _S.CANCELLED)]
_row, _group, _subscription = tables.delivery.c, tables.audience_group.c, tables.subscription.c


def conclude(connection: Connection, issue: Issue, *, now: datetime) -> Issue:
    """Settle an issue when nothing of it waits any more, and call it sent when nothing is unknown either."""
    if issue.audience is None or unsent(connection, issue.id):
        return issue_by_id(connection, issue.id)
    close_batches(connection, issue.id, now=now, actor="account")
    if issue.settled_at is None:
        _settle(connection, issue, now)
    give_back(connection, issue)
    if issue.state is IssueState.SENDING and not unknown(connection, issue.id):
        step(connection, issue.id, issue.name, issue.state, IssueState.SENT, actor="account", now=now, finished_at=now)
    return issue_by_id(connection, issue.id)


def give_back(connection: Connection, issue: Issue) -> int:
    """What was rejected, expired or cancelled after the issue had settled is owed again. Returns to how many."""
    back = _considered(issue).where(_row.state.in_(_GIVEN_BACK), _row.returned.is_(False))
    columns = (_subscription.id, _subscription.owed, _row.rendition)
    found = connection.execute(back.with_only_columns(*columns)).all()
    for subscription, owed, rendition in found:
        before = parse_owed(owed)
        again = older({}, _articles(connection, issue, rendition))
        _owe(connection, subscription, again | before)
    _mark_returned(connection, issue)
    return len(found)


def _settle(connection: Connection, issue: Issue, now: datetime) -> None:
    _settle_changed(connection, issue)
    untouched = (_subscription.coverage == _group.coverage) & (_subscription.owed == _group.owed)
    theirs = (
        select(_owed_now())
        .select_from(tables.delivery.join(tables.audience_group, _in_group()))
        .where(_row.issue_id == issue.id, _row.subscriber_id == _subscription.subscriber_id)
        .correlate(tables.subscription)
        .scalar_subquery()
    )
    whose = _considered(issue).where(untouched).with_only_columns(_subscription.id)
    connection.execute(update(tables.subscription).where(_subscription.id.in_(whose)).values(coverage=issue.cutoff, owed=theirs))
    _mark_returned(connection, issue)
    connection.execute(update(tables.issue).where(tables.issue.c.id == issue.id).values(settled_at=now))
    _move_frequency(connection, issue)


def _settle_changed(connection: Connection, issue: Issue) -> None:
    """Those whom another issue changed since the plan: what either owes them, less what this one sent them."""
    changed = _considered(issue).where((_subscription.coverage != _group.coverage) | (_subscription.owed != _group.owed))
    columns = (_subscription.id, _subscription.coverage, _subscription.owed, _row.state, _row.rendition, _owed_now())
    for subscription, coverage, owed, state, rendition, owed_now in connection.execute(changed.with_only_columns(*columns)).all():
        sent = set(_articles(connection, issue, rendition)) if state in _WENT else set()
        kept = {article: number for article, number in parse_owed(owed).items() if article not in sent}
        _owe(connection, subscription, parse_owed(owed_now) | kept, coverage=max(coverage, issue.cutoff))


def _considered(issue: Issue) -> Select[tuple[int]]:
    """The issue's deliveries, each with its group and subscription; who is suppressed stays where they were."""
    joined = tables.delivery.join(tables.audience_group, _in_group()).join(
        tables.subscription,
        (_subscription.subscriber_id == _row.subscriber_id) & (_subscription.newsletter == issue.newsletter),
    )
    return select(_row.subscriber_id).select_from(joined).where(_row.issue_id == issue.id, _row.state != _S.SUPPRESSED.value)


def _in_group() -> ColumnElement[bool]:
    return (_group.issue_id == _row.issue_id) & (_group.number == _row.group_number)


def _owed_now() -> Case[str]:
    """What a subscription is owed after its delivery ended as it did."""
    return case((_row.state.in_([*_WENT, _S.SKIPPED.value]), _group.owed_after), else_=_group.owed_if_unsent)


def _articles(connection: Connection, issue: Issue, rendition: int | None) -> Iterable[int]:
    held = tables.rendition_article.c
    return connection.execute(select(held.article_id).where(held.issue_id == issue.id, held.rendition == rendition)).scalars()


def _owe(connection: Connection, subscription: int, owed: dict[int, int], **values: int) -> None:
    where = tables.subscription.c.id == subscription
    connection.execute(update(tables.subscription).where(where).values(owed=format_owed(owed), **values))


def _mark_returned(connection: Connection, issue: Issue) -> None:
    where = (_row.issue_id == issue.id, _row.state.in_(_GIVEN_BACK), _row.returned.is_(False))
    connection.execute(update(tables.delivery).where(*where).values(returned=True))


def _move_frequency(connection: Connection, issue: Issue) -> None:
    """New subscriptions of this frequency start where the issue ended."""
    point = tables.coverage.c
    reached = max(issue.cutoff, pool.coverage_point(connection, issue.newsletter, issue.frequency))
    where = (point.newsletter == issue.newsletter, point.frequency == issue.frequency)
    connection.execute(delete(tables.coverage).where(*where))
    values = {"newsletter": issue.newsletter, "frequency": issue.frequency, "point": reached}
    connection.execute(insert(tables.coverage).values(values))

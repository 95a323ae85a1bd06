"""Settling: when nothing of an issue is waiting any more, everyone considered moves on.

Coverage points move to the issue's cutoff, with or without mail (of an issue outside the slots none does); what a subscription
qualified for and did not get is owed. Set-based for all who stand as the plan found them; and for those whom another issue changed meanwhile, once for
each way in which they stand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Case, ColumnElement, Connection, Select, case, delete, insert, select, update

from digest.delivery.account import unknown, unsent
from digest.delivery.batches import close_batches
from digest.delivery.ledger import Ledger
from digest.delivery.transitions import GIVES_BACK, DeliveryState
from digest.delivery.upkeep import cancel
from digest.issues.issue import Issue, issue_by_id
from digest.issues.lifecycle import IssueState, step
from digest.issues.owed import format_owed, older, parse_owed
from digest.store import tables

_S = DeliveryState
_Way = tuple[Any, ...]
_WENT = [state.value for state in (_S.ACCEPTED, _S.UNKNOWN)]
_GIVEN_BACK = [state.value for state in GIVES_BACK]
_row, _group, _subscription = tables.delivery.c, tables.audience_group.c, tables.subscription.c


def conclude(connection: Connection, issue: Issue, *, now: datetime, counted: Mapping[str, int] | None = None) -> Issue:
    """Settle an issue when nothing of it waits any more, and call it sent when nothing is unknown either.

    `counted` is its account, for who has it already: it spares looks at the whole issue for those who are not there.
    What came to wait again in an issue that was cancelled meanwhile (deferred, or unknown and to be sent again) is
    cancelled as well: nobody would ever send it.
    """
    issue = issue_by_id(connection, issue.id)  # whoever calls may have read it before somebody else settled it
    if issue.audience is None:
        return issue
    if issue.state is IssueState.CANCELLED:
        ledger = Ledger(issue.id, issue.newsletter, "", "account")
        cancel(connection, ledger, now=now, reason=issue.reason or "the issue was cancelled")
        counted = None
    if unsent(connection, issue.id):
        return issue
    close_batches(connection, issue.id, now=now, actor="account")
    if issue.settled_at is None and issue.outside:
        _settle_outside(connection, issue, now)
    elif issue.settled_at is None:
        _settle(connection, issue, now, counted)
    else:
        give_back(connection, issue)
        take_back(connection, issue)
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
        articles = _not_withdrawn(connection, _articles(connection, issue, rendition))
        again = dict.fromkeys(articles, 0) if issue.outside else older({}, articles)
        _owe(connection, subscription, again | before)
    _mark_returned(connection, issue)
    return len(found)


def take_back(connection: Connection, issue: Issue) -> int:
    """Who turned out to have got it after it was given back is not owed it any more. Returns of how many that was true."""
    late = _considered(issue).where(_row.state == _S.ACCEPTED.value, _row.returned.is_(True))
    columns = (_subscription.id, _subscription.owed, _row.subscriber_id, _row.rendition)
    found = connection.execute(late.with_only_columns(*columns)).all()
    for subscription, owed, subscriber, rendition in found:
        got = set(_articles(connection, issue, rendition))
        _owe(connection, subscription, {one: age for one, age in parse_owed(owed).items() if one not in got})
        where = (_row.issue_id == issue.id, _row.subscriber_id == subscriber)
        connection.execute(update(tables.delivery).where(*where).values(returned=False))
    return len(found)


def _settle(connection: Connection, issue: Issue, now: datetime, counted: Mapping[str, int] | None) -> None:
    reached = case((_subscription.coverage > issue.cutoff, _subscription.coverage), else_=issue.cutoff)
    untouched = (
        _row.issue_id == issue.id,
        _row.state != _S.SUPPRESSED.value,
        _in_group(),
        _subscription.subscriber_id == _row.subscriber_id,
        _subscription.newsletter == issue.newsletter,
        _subscription.coverage == _group.coverage,
        _subscription.owed == _group.owed,
    )
    moved = connection.execute(update(tables.subscription).where(*untouched).values(coverage=reached, owed=_owed_now())).rowcount
    if counted is None or moved != sum(counted.values()) - counted[_S.SUPPRESSED.value]:
        _settle_changed(connection, issue, _changed(connection, issue))
    if counted is None or any(counted[state] for state in _GIVEN_BACK):
        _mark_returned(connection, issue)
    connection.execute(update(tables.issue).where(tables.issue.c.id == issue.id).values(settled_at=now))
    _move_frequency(connection, issue)


def _settle_outside(connection: Connection, issue: Issue, now: datetime) -> None:
    """Nobody's coverage point moves: the slots go on to cover what arrived. Who got it is not owed what it held any more.

    Who did not is owed that, as if it had not waited yet: it may be that an issue of a slot has left it to this one.
    """
    got = _considered(issue).where(_row.state.in_(_WENT), _subscription.owed != "")
    ways = got.with_only_columns(_subscription.owed, _row.rendition).distinct()
    for owed, rendition in connection.execute(ways).all():
        held = set(_articles(connection, issue, rendition))
        kept = {article: age for article, age in parse_owed(owed).items() if article not in held}
        whose = got.where(_subscription.owed == owed, _row.rendition == rendition).with_only_columns(_subscription.id)
        values = {"owed": format_owed(kept)}
        if held:
            connection.execute(update(tables.subscription).where(_subscription.id.in_(whose)).values(values))
    give_back(connection, issue)
    connection.execute(update(tables.issue).where(tables.issue.c.id == issue.id).values(settled_at=now))


def _standing(issue: Issue) -> tuple[Select[tuple[int]], list[ColumnElement[Any]]]:
    """Those whom another issue changed since the plan, and by what they are alike.

    They do not stand where all others have been moved to; who does so by chance stands where this would bring them.
    """
    reached = case((_group.coverage > issue.cutoff, _group.coverage), else_=issue.cutoff)
    changed = _considered(issue).where((_subscription.coverage != reached) | (_subscription.owed != _owed_now()))
    went = case((_row.state.in_(_WENT), 1), else_=0)
    return changed, [_subscription.coverage, _subscription.owed, _row.rendition, went, _owed_now()]


def _changed(connection: Connection, issue: Issue) -> list[_Way]:
    """The ways in which they stand."""
    changed, columns = _standing(issue)
    return [(*found,) for found in connection.execute(changed.with_only_columns(*columns).distinct())]


def _settle_changed(connection: Connection, issue: Issue, ways: Iterable[_Way]) -> None:
    """What either issue owes them, less what this one sent them. To do it twice changes nothing."""
    changed, columns = _standing(issue)
    for coverage, owed, rendition, went, owed_now in ways:
        got = set(_articles(connection, issue, rendition)) if went else set()
        kept = {article: age for article, age in parse_owed(owed).items() if article not in got}
        way = zip(columns, (coverage, owed, rendition, went, owed_now), strict=True)
        whose = changed.where(*(column.is_not_distinct_from(value) for column, value in way)).with_only_columns(_subscription.id)
        values = {"coverage": max(coverage, issue.cutoff), "owed": format_owed(parse_owed(owed_now) | kept)}
        connection.execute(update(tables.subscription).where(_subscription.id.in_(whose)).values(values))


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


def _not_withdrawn(connection: Connection, articles: Iterable[int]) -> Iterable[int]:
    kept = tables.article.c
    return connection.execute(select(kept.id).where(kept.id.in_(list(articles)), kept.withdrawn_at.is_(None))).scalars()


def _owe(connection: Connection, subscription: int, owed: dict[int, int]) -> None:
    where = tables.subscription.c.id == subscription
    connection.execute(update(tables.subscription).where(where).values(owed=format_owed(owed)))


def _mark_returned(connection: Connection, issue: Issue) -> None:
    where = (_row.issue_id == issue.id, _row.state.in_(_GIVEN_BACK), _row.returned.is_(False))
    connection.execute(update(tables.delivery).where(*where).values(returned=True))


def _move_frequency(connection: Connection, issue: Issue) -> None:
    """New subscriptions of this frequency start where the issue ended, wherever other frequencies have come to."""
    point = tables.coverage.c
    where = (point.newsletter == issue.newsletter, point.frequency == issue.frequency)
    before = connection.execute(select(point.point).where(*where)).scalar()
    reached = max(issue.cutoff, before or 0)
    connection.execute(delete(tables.coverage).where(*where))
    values = {"newsletter": issue.newsletter, "frequency": issue.frequency, "point": reached}
    connection.execute(insert(tables.coverage).values(values))

"""Silence: which subscriptions the sunset rule asks, and which it ends, found some thousand at a time.

What SQL leaves out the rule would leave alone, too. Most readers are found alive in the newest issues, so only the silent ones are
looked up in all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, Row, exists, func, or_, select

from digest.audience.dialects import among
from digest.audience.subscription import SubscriptionState
from digest.audience.sunset import Reader, Rule, Verdict, judge
from digest.delivery.event import Kind
from digest.delivery.transitions import DeliveryState
from digest.insights.robots import Act, robots
from digest.settings.plugins import TELL_NOTHING
from digest.store import tables

_AT_ONCE = 2000
_ONE_BY_ONE = 3  # of the newest issues: in these nearly everybody is found who lives
_ACTS = (Kind.OPENED.value, Kind.CLICKED.value)
_event, _row, _subscription, _question = tables.event.c, tables.delivery.c, tables.subscription.c, tables.question.c


@dataclass(frozen=True, slots=True)
class _Heard:
    """The issues of which anybody's open or click was told, the newest first; `ours` are the newsletter's of the span."""

    issues: Sequence[int]
    ours: Sequence[int]
    last_at: datetime | None


def judged(
    connection: Connection,
    newsletter: str,
    rule: Rule,
    wanted: Verdict,
    *,
    now: datetime,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[int]:
    """The subscriptions that the rule wants to `ASK`, or those that it wants to `END`, by id. Reads only."""
    heard, after = _heard(connection, newsletter, rule, now), 0
    while heard.issues and not stop():
        rows = _candidates(connection, newsletter, rule, wanted, now, after)
        if not rows:
            return
        after = rows[-1].id
        for row, reader in _readers(connection, rows, heard, now - rule.span):
            if judge(reader, rule, now=now) is wanted:
                yield row.id


def _heard(connection: Connection, newsletter: str, rule: Rule, now: datetime) -> _Heard:
    """An issue of which nobody was heard says nothing of anybody: its provider may tell nothing."""
    issue = tables.issue.c
    recent = (issue.slot_at > now - 2 * rule.span, issue.slot_at <= now, issue.audience.is_not(None))
    query = select(issue.id, issue.newsletter, issue.slot_at).where(*recent).order_by(issue.slot_at.desc(), issue.id.desc())
    found = []
    for one in connection.execute(query).all():
        acts = (_event.issue_id == one.id, _event.kind.in_(_ACTS), _event.machine.is_(False))
        last_at = connection.execute(select(func.max(_event.occurred_at)).where(*acts)).scalar_one()
        if last_at is not None:
            found.append((one, last_at))
    ours = [one.id for one, _ in found if one.newsletter == newsletter and one.slot_at > now - rule.span]
    last = max((at for one, at in found if one.newsletter == newsletter), default=None)
    return _Heard([one.id for one, _ in found], ours, last)


def _candidates(connection: Connection, newsletter: str, rule: Rule, wanted: Verdict, now: datetime, after: int) -> list[Any]:
    """Those who have been there for the span and have done nothing of their own in it: with a question of it, or without one."""
    since, line = now - rule.span, tables.consent.c
    joined_at = func.coalesce(_subscription.confirmed_at, _subscription.created_at)
    asked = _question.sent_at <= now - rule.grace if wanted is Verdict.END else _question.asked_at.is_(None)
    if wanted is Verdict.ASK:
        asked = or_(asked, _question.asked_at < since)
    columns = (_subscription.id, _subscription.subscriber_id, joined_at.label("joined_at"), _question.asked_at, _question.sent_at)
    query = (
        select(*columns)
        .select_from(tables.subscription.outerjoin(tables.question, _question.subscription_id == _subscription.id))
        .where(
            _subscription.id > after,
            # The concatenation keeps SQLite off the newsletter's index: from there it would sort everybody for each step.
            _subscription.newsletter.concat("") == newsletter,
            _subscription.state == SubscriptionState.ACTIVE.value,
            _subscription.created_at <= since,
            joined_at <= since,
            asked,
            ~exists().where(line.subscriber_id == _subscription.subscriber_id, line.at >= since),
        )
        .order_by(_subscription.id)
        .limit(_AT_ONCE)
    )
    return list(connection.execute(query))


def _readers(
    connection: Connection, rows: Sequence[Row[Any]], heard: _Heard, since: datetime
) -> Iterator[tuple[Row[Any], Reader]]:
    """Those of some who have not given a sign of life, as the rule wants to know them."""
    silent = {row.subscriber_id for row in rows}
    newest, rest = heard.issues[:_ONE_BY_ONE], heard.issues[_ONE_BY_ONE:]
    for issues in [*([one] for one in newest), *([rest] if rest else [])]:
        silent -= _alive(connection, issues, silent, since)
        if not silent:
            return
    received = _received(connection, heard.ours, silent)
    for row in rows:
        if row.subscriber_id in silent:
            known = Reader(row.joined_at, asked_at=row.asked_at, sent_at=row.sent_at, heard_at=heard.last_at)
            many, first_at = received.get(row.subscriber_id, (0, None))
            yield row, replace(known, received=many, first_at=first_at)


def _alive(connection: Connection, issues: Sequence[int], whose: Collection[int], since: datetime) -> set[int]:
    """Who has opened or clicked something as a person does, since a time."""
    kinds = (*_ACTS, Kind.DELIVERED.value)
    columns = (_event.subscriber_id, _event.issue_id, _event.kind, _event.occurred_at, _event.link, _event.machine)
    query = select(*columns).where(
        _event.issue_id.in_(issues), among(connection, _event.subscriber_id, whose), _event.kind.in_(kinds)
    )
    rows: list[Any] = sorted(connection.execute(query), key=lambda row: (row.subscriber_id, row.issue_id))
    mails = groupby(rows, key=lambda row: (row.subscriber_id, row.issue_id))
    return {subscriber_id for (subscriber_id, _), mail in mails if _by_a_person(mail, since)}


def _by_a_person(mail: Iterable[Row[Any]], since: datetime) -> bool:
    rows = list(mail)
    delivered = min((_seconds(row.occurred_at) for row in rows if row.kind == Kind.DELIVERED.value), default=None)
    acts = [Act(Kind(row.kind), _seconds(row.occurred_at), row.link, None, row.machine) for row in rows if row.kind in _ACTS]
    guessed = zip(acts, robots(acts, delivered), strict=True)
    return any(not robot and act.at >= int(since.timestamp()) for act, robot in guessed)


def _received(connection: Connection, issues: Sequence[int], whose: Collection[int]) -> dict[int, tuple[int, datetime]]:
    """Of each, how many of these issues reached them through a provider that tells of readers, and the first one's slot."""
    if not issues:
        return {}
    issue, batch = tables.issue.c, tables.batch.c
    joined = tables.delivery.join(tables.issue, issue.id == _row.issue_id).join(tables.batch, batch.id == _row.batch_id)
    query = (
        select(_row.subscriber_id, func.count().label("many"), func.min(issue.slot_at).label("first_at"))
        .select_from(joined)
        .where(
            _row.issue_id.in_(issues),
            among(connection, _row.subscriber_id, whose),
            _row.state == DeliveryState.ACCEPTED.value,
            or_(_row.reported.is_(None), _row.reported == Kind.DELIVERED.value),
            batch.provider.not_in(sorted(TELL_NOTHING)),
        )
        .group_by(_row.subscriber_id)
    )
    return {row.subscriber_id: (row.many, row.first_at) for row in connection.execute(query)}


def _seconds(at: datetime) -> int:
    return int(at.timestamp())

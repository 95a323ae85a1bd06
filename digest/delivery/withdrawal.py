"""Withdrawing an article: out of every later mail, and out of what issues that are frozen have not yet sent.

This is the one exception from "what was approved is what goes out": the content hash, and with it an approval, stays that
of the whole, and each article left out is a recorded sub-revision, which the mark of every delivery looks at.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, exists, func, insert, or_, select, update

from digest.catalogue import articles
from digest.catalogue.article import Article
from digest.delivery.statements import stands
from digest.delivery.transitions import DeliveryState
from digest.issues.issue import Issue, frozen_of, issue_by_id
from digest.issues.lifecycle import IssueState, record
from digest.issues.owed import format_owed, parse_owed
from digest.issues.withdrawn import words
from digest.store import tables

_S = DeliveryState
_UNFINISHED = (IssueState.DRAFT, IssueState.HELD, IssueState.APPROVED, IssueState.SENDING, IssueState.PAUSED)
_issue, _row, _held = tables.issue.c, tables.delivery.c, tables.rendition_article.c


@dataclass(frozen=True, slots=True)
class Touched:
    """An issue that leaves the article out from now on; of `audience` deliveries it came too late for `too_late`."""

    issue: Issue
    too_late: int

    def __str__(self) -> str:
        issue = self.issue
        late = "" if issue.audience is None else f", too late for {self.too_late:,} of {issue.audience:,} deliveries"
        return words(issue.sub_revision) + late


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """The article as it is now, and the issues that were frozen with it and are not finished."""

    article: Article
    touched: tuple[Touched, ...]


def withdraw(connection: Connection, ref: str, *, actor: str, now: datetime, why: str = "") -> Withdrawal:
    """Withdraw an article, in the caller's transaction. Doing it again changes nothing; there is no way back.

    `why` is a person's reason; it stands in the history of every issue that leaves the article out.
    """
    article = articles.withdraw(connection, ref, now)
    holding = [found for found in _holding(connection, article.id) if _leave_out(connection, found, article, actor, now)]
    touched = tuple(Touched(issue_by_id(connection, one), _too_late(connection, one, article.id)) for one in holding)
    for one in touched:
        reason = f"“{article.title}” was {one}" + (f" ({why})" if why else "")
        record(connection, one.issue.id, one.issue.state, one.issue.state, actor=actor, now=now, reason=reason)
    _owe_nobody(connection, article.id)
    return Withdrawal(article, touched)


def _holding(connection: Connection, article: int) -> Iterator[int]:
    """The unfinished issues that may send it, and do not leave it out yet."""
    known = exists().where(tables.issue_withdrawal.c.issue_id == _issue.id, tables.issue_withdrawal.c.article_id == article)
    candidate = exists().where(tables.decision.c.issue_id == _issue.id, tables.decision.c.article_id == article)
    states = [state.value for state in _UNFINISHED]
    query = select(_issue.id).where(_issue.state.in_(states), candidate, ~known).order_by(_issue.id)
    for one in connection.execute(query).scalars().all():
        issue = issue_by_id(connection, one)
        if issue.audience is None:
            held = any(article == frozen.id for frozen in frozen_of(connection, issue).content.articles)
        else:
            holds = (_held.issue_id == one, _held.article_id == article)
            held = connection.execute(select(exists().where(*holds))).scalar_one()
        if held:
            yield one


def _leave_out(connection: Connection, issue_id: int, article: Article, actor: str, now: datetime) -> bool:
    """Raise the issue's sub-revision; False when it was finished meanwhile."""
    states = [state.value for state in _UNFINISHED]
    raised = (
        update(tables.issue)
        .where(_issue.id == issue_id, _issue.state.in_(states))
        .values(sub_revision=_issue.sub_revision + 1)
        .returning(_issue.sub_revision)
    )
    sub_revision = connection.execute(raised).scalar_one_or_none()
    if sub_revision is None:
        return False
    line = {"issue_id": issue_id, "article_id": article.id, "sub_revision": sub_revision, "actor": actor, "at": now}
    connection.execute(insert(tables.issue_withdrawal).values(line))
    return True


def _too_late(connection: Connection, issue_id: int, article: int) -> int:
    """How many have been handed over with it, or are just being."""
    joined = tables.delivery.join(
        tables.rendition_article, (_held.issue_id == _row.issue_id) & (_held.rendition == _row.rendition)
    )
    handed = or_(_row.state == _S.ACCEPTED.value, stands(_S.SENDING, _S.UNKNOWN))
    query = select(func.count()).select_from(joined).where(_row.issue_id == issue_id, _held.article_id == article, handed)
    return connection.execute(query).scalar_one()


def _owe_nobody(connection: Connection, article: int) -> None:
    """What issues that have not settled will owe, less the article."""
    group = tables.audience_group.c
    unsettled = group.issue_id.in_(select(_issue.id).where(_issue.audience.is_not(None), _issue.settled_at.is_(None)))
    for column in (group.owed_after, group.owed_if_unsent):
        _strike(connection, column, unsettled, article)


def _strike(connection: Connection, column: ColumnElement[str], where: ColumnElement[bool], article: int) -> None:
    """Take an article out of every owed set in a column, once for each distinct one."""
    texts = select(column).where(where, column.like(f"%{article}@%")).distinct()
    for text in connection.execute(texts).scalars().all():
        owed = parse_owed(text)
        if owed.pop(article, None) is not None:
            shorter = {column: format_owed(owed)}
            connection.execute(update(tables.audience_group).where(where, column == text).values(shorter))

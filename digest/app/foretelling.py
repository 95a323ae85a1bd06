"""Foretelling: who would get what of an issue, were it planned just now; by the very plan, on a copy that is thrown away."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select, update

from digest.app.wiring import App
from digest.audience.pausing import resume_due
from digest.delivery.plan import plan
from digest.delivery.shelf import planned
from digest.errors import Refused
from digest.issues.issue import Issue, find_issue, frozen_of, issue_by_id
from digest.issues.lifecycle import IssueState
from digest.store import tables

SHOWN = 100
"""So many renditions are listed, those with most readers first."""


@dataclass(frozen=True, slots=True)
class Group:
    """Readers who get the same: how many, one of them, in which language, and the titles in their order."""

    readers: int
    reader: int
    language: str
    titles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Foretold:
    """Everybody: those who get something, by what it is, and those who get nothing. `planned`: it is no forecast any more."""

    issue: Issue
    planned: bool
    audience: int
    groups: tuple[Group, ...]
    renditions: int
    nothing: int
    suppressed: int


def foretell(app: App, name: str) -> Foretold:
    """Who gets what; nothing is changed."""
    with app.store.reading() as connection:
        issue = find_issue(connection, name)
        if not issue.rendered:
            raise Refused(f"issue {issue.name} cannot be shown: {issue.reason}")
        if issue.audience is not None:
            return _counted(connection, issue, planned_already=True)
    if issue.state not in (IssueState.DRAFT, IssueState.HELD, IssueState.APPROVED):
        raise Refused(f"issue {issue.name} was never planned: it was {issue.state}")
    with app.store.scratch() as copy, copy.writing() as connection:
        resume_due(connection, now=app.now)
        connection.execute(update(tables.issue).where(tables.issue.c.id == issue.id).values(state=IssueState.APPROVED.value))
        approved = issue_by_id(connection, issue.id)
        plan(connection, approved, frozen_of(connection, approved), now=app.now)
        return _counted(connection, issue_by_id(connection, issue.id), planned_already=False)


def _counted(connection: Connection, issue: Issue, *, planned_already: bool) -> Foretold:
    row = tables.delivery.c
    titles = {article.id: article.title for article in frozen_of(connection, issue).content.articles}
    mine = row.issue_id == issue.id
    many = func.count().label("many")
    some = select(row.rendition, many, func.min(row.subscriber_id).label("one")).where(mine, row.rendition.is_not(None))
    found = connection.execute(
        some.where(row.state != "suppressed").group_by(row.rendition).order_by(many.desc(), row.rendition)
    ).all()
    groups = []
    for one in found[:SHOWN]:
        arrangement, language = planned(connection, issue, one.rendition)
        groups.append(Group(one.many, one.one, language, tuple(titles[article] for article in arrangement.articles)))
    stands = select(row.state, many).where(mine).group_by(row.state)
    left = {one.state: one.many for one in connection.execute(stands)}
    return Foretold(
        issue, planned_already, issue.audience or 0, tuple(groups), len(found), left.get("skipped", 0), left.get("suppressed", 0)
    )

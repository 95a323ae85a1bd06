"""What was withdrawn from an issue after its freeze: left out of what it has not yet sent, from a sub-revision on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select, update

from digest.issues.issue import Issue
from digest.store import tables

_row = tables.issue_withdrawal.c


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An article that what is sent from `sub_revision` on does not hold."""

    article: int
    title: str
    sub_revision: int
    actor: str
    at: datetime

    def __str__(self) -> str:
        return f"“{self.title}” was {words(self.sub_revision)}"


def words(sub_revision: int) -> str:
    """How every report says it."""
    return f"withdrawn after the freeze, left out from sub-revision {sub_revision} on"


def left_out(connection: Connection, issue: Issue) -> tuple[LeftOut, ...]:
    """The note to the editor: what was withdrawn from an issue, in the order in which it was."""
    query = (
        select(_row.article_id, tables.article.c.title, _row.sub_revision, _row.actor, _row.at)
        .join(tables.article, tables.article.c.id == _row.article_id)
        .where(_row.issue_id == issue.id)
        .order_by(_row.sub_revision)
    )
    return tuple(LeftOut(*found) for found in connection.execute(query))


def withdrawn_from(connection: Connection, issue_id: int) -> dict[int, int]:
    """The articles that an issue leaves out, each with the sub-revision from which on it does."""
    query = select(_row.article_id, _row.sub_revision).where(_row.issue_id == issue_id)
    return {article: sub_revision for article, sub_revision in connection.execute(query)}  # noqa: C416


def sub_revision_of(connection: Connection, issue_id: int) -> int:
    """The sub-revision at which an issue stands: what may be marked."""
    issue = tables.issue.c
    return int(connection.execute(select(issue.sub_revision).where(issue.id == issue_id)).scalar_one())


def begin_anew(connection: Connection, issue_id: int) -> None:
    """A new revision is whole: it was frozen without what had been withdrawn."""
    connection.execute(delete(tables.issue_withdrawal).where(_row.issue_id == issue_id))
    connection.execute(update(tables.issue).where(tables.issue.c.id == issue_id).values(sub_revision=0))

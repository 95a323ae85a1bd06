"""Correcting: the plan of a correction, which goes to exactly those who were sent the issue that it corrects.

That is, by the ledger: whose delivery of it is accepted or unknown (it may be there) and was not told to have bounced, and whom it
welcomed. Who was rejected, suppressed, skipped, or had it cancelled or expired was not sent it. Who has left since is not written to, and
who must not be mailed stands in the account as suppressed. It has one rendition a language, without articles: nobody has had anything
by it, and nobody's coverage point moves.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, Select, case, func, insert, literal, or_, select, union

from digest.audience.tongues import language_column, other_tongues
from digest.delivery.event import Kind
from digest.delivery.transitions import DeliveryState
from digest.delivery.welcoming import actor_of
from digest.errors import Refused
from digest.issues import pool
from digest.issues.frozen import Frozen
from digest.issues.issue import Issue, issue_by_id
from digest.store import tables

_SENT = (DeliveryState.ACCEPTED.value, DeliveryState.UNKNOWN.value)
_row, _subscription, _group = tables.delivery.c, tables.subscription.c, tables.audience_group.c


def plan(connection: Connection, issue: Issue, frozen: Frozen) -> int:
    """Freeze the audience of a correction; how many it is. Refused while the issue that it corrects is still being sent."""
    corrected = _corrected(connection, issue)
    if corrected.settled_at is None:
        raise Refused(
            f"issue {issue.name} corrects {corrected.name}, which is still being sent: who was sent it is known when that is over;"
            f" let it end, or `digest issues cancel {corrected.name}`"
        )
    own, *others = frozen.languages
    tongues = other_tongues(connection, own, others) if others else {}
    for number, language in enumerate(frozen.languages, start=1):
        _keep_rendition(connection, issue, number, language)
    theirs = language_column(own, tongues)
    ways = [(theirs == literal(other), at) for at, other in enumerate(others, start=2)]
    which: ColumnElement[int] = case(*ways, else_=1) if ways else literal(1)
    suppressed = _subscription.subscriber_id.in_(pool.suppressed(issue.newsletter))
    state = case((suppressed, DeliveryState.SUPPRESSED.value), else_=DeliveryState.PLANNED.value)
    row = (literal(issue.id), _subscription.subscriber_id, which, which, state)
    rows = _audience(corrected).with_only_columns(*row).order_by(_subscription.id)
    connection.execute(
        insert(tables.delivery).from_select(["issue_id", "subscriber_id", "group_number", "rendition", "state"], rows)
    )
    return int(connection.execute(select(func.count()).where(_row.issue_id == issue.id)).scalar_one())


def count_audience(connection: Connection, issue: Issue) -> int:
    """How many a correction would go to just now."""
    query = _audience(_corrected(connection, issue))
    return int(connection.execute(select(func.count()).select_from(query.subquery())).scalar_one())


def was_sent(connection: Connection, issue: Issue, subscriber_id: int) -> bool:
    """Whether somebody was sent what an issue corrects."""
    query = select(literal(1)).where(literal(subscriber_id).in_(_sent(_corrected(connection, issue))))
    return connection.execute(query).first() is not None


def _audience(corrected: Issue) -> Select[tuple[int]]:
    """Those of them who are still subscribed."""
    joined = tables.subscription.join(tables.subscriber, tables.subscriber.c.id == _subscription.subscriber_id)
    ours = (_subscription.newsletter == corrected.newsletter, _subscription.state == "active")
    query = select(_subscription.subscriber_id).select_from(joined)
    return query.where(*ours, _subscription.subscriber_id.in_(_sent(corrected)))


def _sent(corrected: Issue) -> Select[tuple[int]]:
    """The subscribers who were sent an issue, or may have been."""
    arrived: ColumnElement[bool] = or_(_row.reported.is_(None), _row.reported != Kind.BOUNCED.value)
    mailed = select(_row.subscriber_id).where(_row.issue_id == corrected.id, _row.state.in_(_SENT), arrived)
    had = tables.had_already.c
    welcomed = select(had.subscriber_id).where(had.actor == actor_of(corrected))
    return select(union(mailed, welcomed).subquery().c.subscriber_id)


def _corrected(connection: Connection, issue: Issue) -> Issue:
    if issue.corrects is None:
        raise Refused(f"issue {issue.name} corrects nothing")
    return issue_by_id(connection, issue.corrects)


def _keep_rendition(connection: Connection, issue: Issue, number: int, language: str) -> None:
    """One without articles, and the group of those who get it."""
    kept = {"issue_id": issue.id, "number": number, "language": language}
    connection.execute(insert(tables.rendition).values(kept | {"arrangement": {"lead": None, "sections": []}}))
    nothing = {"topics": "*", "coverage": 0, "owed": "", "had": "", "owed_after": "", "owed_if_unsent": ""}
    connection.execute(insert(tables.audience_group).values(kept | nothing | {"rendition": number}))

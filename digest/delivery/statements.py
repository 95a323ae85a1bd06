"""The ledger's hot statements, built once: each is a compare-and-set, and its parameters are named where it stands.

The state that must stand there is looked at and never searched by. As a parameter it would make SQLite plan the statement
anew at each execution, since the partial index of open deliveries would do for some of its values; as a bare literal SQLite
takes that index, and reads everybody who is planned to find a few of them. A whole request's deliveries are a span of that index, and
are searched by it: `STROKE` and `ACCEPT_WHOLE`.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, bindparam, exists, func, insert, literal_column, null, or_, select, union_all, update

from digest.delivery.transitions import DeliveryState
from digest.store import tables
from digest.store.epoch import IS_RESTORED
from digest.store.prepared import OneOf, Prepared, Span

_S = DeliveryState
_row, _batch, _issue = tables.delivery.c, tables.batch.c, tables.issue.c
_subscription, _person, _suppression = tables.subscription.c, tables.subscriber.c, tables.suppression.c
_halt = tables.halt.c


def stands(*states: DeliveryState) -> ColumnElement[bool]:
    """A delivery is in one of these states, by literals."""
    return or_(*(_row.state == literal_column(f"'{state.value}'") for state in states))


def still(state: DeliveryState) -> ColumnElement[bool]:
    """Those named are still in this state: never a way to find them, since of those in it there may be a million."""
    return func.coalesce(_row.state, literal_column("''")) == literal_column(f"'{state.value}'")


_ISSUE = _row.issue_id == bindparam("issue")
_WHOSE = OneOf(_row.subscriber_id, "whose")

_CLAIMABLE = (_ISSUE, stands(_S.PLANNED), or_(_row.not_before.is_(None), _row.not_before <= bindparam("now")))

# issue, now: the rendition that is next. Asked apart, so that of many small renditions nobody else's readers are read.
FIRST = Prepared(
    select(_row.rendition)
    .where(*_CLAIMABLE)
    .order_by(_row.rendition, _row.subscriber_id)
    .limit(1)
    .with_for_update(skip_locked=True)
)

_THEIRS = (_subscription.subscriber_id == _row.subscriber_id, _subscription.newsletter == bindparam("newsletter"))
# Looked up, and no EXISTS: that one PostgreSQL may turn around, and read everybody who is active to find a few of them.
_STATE = select(_subscription.state).where(*_THEIRS).scalar_subquery()
_ACTIVE, _PAUSED = _STATE == "active", _STATE == "paused"
_SUPPRESSED = exists().where(
    _person.id == _row.subscriber_id,
    _suppression.address == _person.address,
    or_(_suppression.scope == "*", _suppression.scope == bindparam("newsletter")),
)

# A span of one: for an equality SQLite walks the whole issue by its primary key, to find them in order.
_OF_RENDITION = _row.rendition.between(bindparam("rendition"), bindparam("rendition"))
_NEXT_ONES = (
    select(
        _row.subscriber_id, _subscription.id.label("subscription_id"), _person.address, _person.email, _person.name, _row.attempts
    )
    .select_from(
        tables.delivery.outerjoin(tables.subscriber, _person.id == _row.subscriber_id).outerjoin(
            tables.subscription, and_(*_THEIRS)
        )
    )
    .where(*_CLAIMABLE, _OF_RENDITION)
    .order_by(_row.rendition, _row.subscriber_id)
    .limit(bindparam("size"))
    .with_for_update(skip_locked=True, of=tables.delivery)
)

# issue, rendition, size, now, newsletter: those who are next of a rendition, with what a message of theirs needs. Who was erased has
# a delivery and nothing else.
WAITING = Prepared(_NEXT_ONES)

# The same, and of each whether they surely may be mailed: of whom that was read in the transaction that marks them, the mark need
# not ask again. Who is suppressed anywhere, be it for another newsletter alone, is not sure: that is looked at one by one.
_SURELY = and_(
    _subscription.state == "active", ~exists().where(_suppression.address == _person.address).correlate(tables.subscriber)
)
WAITING_AND_MAY = Prepared(_NEXT_ONES.add_columns(_SURELY.label("may")))

NEW_BATCH = Prepared(
    insert(tables.batch).returning(_batch.id),
    ("issue_id", "rendition", "provider", "owner", "lease_until", "deadline_at", "size"),
)

# issue, whose, batch
HOLD = Prepared(
    update(tables.delivery).where(_ISSUE, _WHOSE, still(_S.PLANNED)).values(state=_S.CLAIMED.value, batch_id=bindparam("batch"))
)

_OURS = _row.batch_id.in_(
    select(_batch.id).where(
        OneOf(_batch.id, "batches"),
        _batch.owner == bindparam("owner"),
        _batch.lease_until > bindparam("now"),
        _batch.finished_at.is_(None),
    )
)
_SENDABLE = exists().where(
    _issue.id == bindparam("issue"),
    _issue.state == "sending",
    _issue.approved_hash == _issue.content_hash,
    _issue.sub_revision == bindparam("sub_revision"),
)
_STOPPED = exists().where(_halt.lifted_at.is_(None)) | IS_RESTORED

# issue, whose, batches, owner, now, newsletter, sub_revision: everything that must hold when deliveries are marked, in one
# statement for all lanes
MARK = Prepared(
    update(tables.delivery)
    .where(_ISSUE, _WHOSE, still(_S.CLAIMED), _OURS)
    .where(_SENDABLE, ~_STOPPED, _ACTIVE, ~_SUPPRESSED)
    .values(state=_S.SENDING.value, attempts=_row.attempts + 1)
    .returning(_row.subscriber_id, _row.batch_id)
)

# issue, whose, batch, newsletter, sub_revision: claimed and marked at one stroke, by the same conditions
CLAIM_AND_MARK = Prepared(
    update(tables.delivery)
    .where(_ISSUE, _WHOSE, still(_S.PLANNED))
    .where(_SENDABLE, ~_STOPPED, _ACTIVE, ~_SUPPRESSED)
    .values(state=_S.SENDING.value, batch_id=bindparam("batch"), attempts=_row.attempts + 1)
    .returning(_row.subscriber_id)
)

# issue, rendition, whose, first, last, now, batch, sub_revision: the same of everybody who is next and may be mailed, as
# `WAITING_AND_MAY` has read in the same transaction
STROKE = Prepared(
    update(tables.delivery)
    .where(*_CLAIMABLE, _row.rendition == bindparam("rendition"), Span(_row.subscriber_id, "whose", "first", "last"))
    .where(_SENDABLE, ~_STOPPED)
    .values(state=_S.SENDING.value, batch_id=bindparam("batch"), attempts=_row.attempts + 1)
)

# issue, whose, batch: a mark that was of another lane's batch or is not wanted, taken back in its own transaction
UNMARK = Prepared(
    update(tables.delivery)
    .where(_ISSUE, _WHOSE, still(_S.SENDING), _row.batch_id == bindparam("batch"))
    .values(state=_S.CLAIMED.value, attempts=_row.attempts - 1)
)

# issue, whose, batches: what was accepted as one answer after the other says, for all lanes
ACCEPT = Prepared(
    update(tables.delivery)
    .where(_ISSUE, _WHOSE, still(_S.SENDING), OneOf(_row.batch_id, "batches"))
    .values(state=_S.ACCEPTED.value, answer=null(), not_before=null())
    .returning(_row.subscriber_id)
)

# issue, whose, first, last, batch: the same of all that are being sent of one batch
_ITS_RENDITION = select(_batch.rendition).where(_batch.id == bindparam("batch")).scalar_subquery()
ACCEPT_WHOLE = Prepared(
    update(tables.delivery)
    .where(_ISSUE, stands(_S.SENDING), _row.rendition == _ITS_RENDITION)
    .where(Span(_row.subscriber_id, "whose", "first", "last"), _row.batch_id == bindparam("batch"))
    .values(state=_S.ACCEPTED.value, answer=null(), not_before=null())
)

# issue, whose, newsletter: of those who were not marked, who is suppressed, who has not left, and who is paused
LEFT = Prepared(
    select(_row.subscriber_id, _SUPPRESSED.label("suppressed"), _ACTIVE.label("active"), _PAUSED.label("paused")).where(
        _ISSUE, _WHOSE
    )
)

# issue, whose, batch, to_state, words, when: by the state that is left
LEAVE = {
    state: Prepared(
        update(tables.delivery)
        .where(_ISSUE, _WHOSE, still(state), _row.batch_id == bindparam("batch"))
        .values(state=bindparam("to_state"), answer=bindparam("words"), not_before=bindparam("when"))
    )
    for state in (_S.CLAIMED, _S.SENDING, _S.UNKNOWN)
}

# issue, whose, batch: a mark that led to nothing, and a claim that is given back with it, by the state in which it is found
TAKE_BACK = {
    state: Prepared(
        update(tables.delivery)
        .where(_ISSUE, _WHOSE, still(state), _row.batch_id == bindparam("batch"))
        .values(state=_S.PLANNED.value, answer=null(), not_before=null(), attempts=_row.attempts - 1)
        .returning(_row.subscriber_id)
    )
    for state in (_S.SENDING, _S.UNKNOWN)
}

# batch, holder, now, until, deadline
RENEW = Prepared(
    update(tables.batch)
    .where(_batch.id == bindparam("batch"), _batch.owner == bindparam("holder"), _batch.lease_until > bindparam("now"))
    .where(_batch.finished_at.is_(None))
    .values(lease_until=bindparam("until"), deadline_at=bindparam("deadline"))
)

# batch, now
CLOSE = Prepared(
    update(tables.batch).where(_batch.id == bindparam("batch"), _batch.finished_at.is_(None)).values(finished_at=bindparam("now"))
)

_line = tables.history.c
_TOLD = select(_line.subscriber_id).where(
    _line.issue_id == bindparam("issue"), _line.subscriber_id.is_not(None), _line.to_state == _S.ACCEPTED.value
)
# issue, batch: of how many the acceptance has no line of its own (it came late, or a person said so). It looks at the whole
# issue, and is for what dead processes left: a living one has counted.
ACCEPTED = Prepared(
    select(func.count()).where(_ISSUE, _row.batch_id == bindparam("batch"), stands(_S.ACCEPTED), _row.subscriber_id.not_in(_TOLD))
)

LINE = Prepared(
    insert(tables.history),
    ("issue_id", "batch_id", "subscriber_id", "count", "from_state", "to_state", "actor", "reason", "at"),
)

# issue, now: deferred ones whose time has come
REPLAN = Prepared(
    update(tables.delivery)
    .where(_ISSUE, stands(_S.DEFERRED), _row.not_before <= bindparam("now"))
    .values(state=_S.PLANNED.value, not_before=None)
)

# issue: when the first that has to wait for its time may be tried (again); state by state, each by the index of open deliveries
_TIMES = union_all(
    *(select(func.min(_row.not_before).label("at")).where(_ISSUE, stands(state)) for state in (_S.DEFERRED, _S.PLANNED))
).subquery()
NEXT = Prepared(select(func.min(_TIMES.c.at)))

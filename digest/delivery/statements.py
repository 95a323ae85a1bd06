"""The ledger's hot statements, built once: each is a compare-and-set, and its parameters are named where it stands."""

from __future__ import annotations

from sqlalchemy import ColumnElement, bindparam, exists, insert, literal_column, or_, select, update

from digest.delivery.transitions import DeliveryState
from digest.store import tables

_S = DeliveryState
_row, _batch, _issue = tables.delivery.c, tables.batch.c, tables.issue.c
_subscription, _person, _suppression = tables.subscription.c, tables.subscriber.c, tables.suppression.c
_halt = tables.halt.c


def stands(*states: DeliveryState) -> ColumnElement[bool]:
    """A delivery is in one of these states. Spelled as literals, so that SQLite can use its partial index of open ones."""
    return or_(*(_row.state == literal_column(f"'{state.value}'") for state in states))


_ISSUE = _row.issue_id == bindparam("issue")
_WHOSE = _row.subscriber_id.in_(bindparam("whose", expanding=True))

# issue, size
WAITING = (
    select(_row.rendition, _row.subscriber_id)
    .where(_ISSUE, stands(_S.PLANNED))
    .order_by(_row.rendition, _row.subscriber_id)
    .limit(bindparam("size"))
    .with_for_update(skip_locked=True)
)

# issue, whose, newsletter
PEOPLE = (
    select(_person.id, _subscription.id.label("subscription_id"), _person.address, _person.email, _person.name, _row.attempts)
    .select_from(
        tables.delivery.join(tables.subscriber, _person.id == _row.subscriber_id).join(
            tables.subscription,
            (_subscription.subscriber_id == _person.id) & (_subscription.newsletter == bindparam("newsletter")),
        )
    )
    .where(_ISSUE, _WHOSE)
    .order_by(_person.id)
)

NEW_BATCH = insert(tables.batch)

# issue, whose, batch
HOLD = (
    update(tables.delivery)
    .where(_ISSUE, _WHOSE, _row.state == _S.PLANNED.value)
    .values(state=_S.CLAIMED.value, batch_id=bindparam("batch"))
)

_ACTIVE = exists().where(
    _subscription.subscriber_id == _row.subscriber_id,
    _subscription.newsletter == bindparam("newsletter"),
    _subscription.state == "active",
)
_SUPPRESSED = exists().where(
    _person.id == _row.subscriber_id,
    _suppression.address == _person.address,
    _suppression.scope.in_(("*", bindparam("newsletter"))),
)
_OURS = exists().where(_batch.id == bindparam("batch"), _batch.owner == bindparam("owner"), _batch.lease_until > bindparam("now"))
_SENDABLE = exists().where(
    _issue.id == bindparam("issue"), _issue.state == "sending", _issue.approved_hash == _issue.content_hash
)
_HALTED = exists().where(_halt.lifted_at.is_(None))

# issue, whose, batch, owner, now, newsletter: everything that must hold when a delivery is marked, in one statement
MARK = (
    update(tables.delivery)
    .where(_ISSUE, _WHOSE, _row.state == _S.CLAIMED.value, _row.batch_id == bindparam("batch"))
    .where(_OURS, _SENDABLE, ~_HALTED, _ACTIVE, ~_SUPPRESSED)
    .values(state=_S.SENDING.value, attempts=_row.attempts + 1)
    .returning(_row.subscriber_id)
)

# issue, whose, newsletter: of those who were not marked, who is suppressed and who has left
LEFT = select(_row.subscriber_id, _SUPPRESSED.label("suppressed"), _ACTIVE.label("active")).where(_ISSUE, _WHOSE)

# issue, whose, batch, from_state, to_state, words, when
LEAVE = (
    update(tables.delivery)
    .where(_ISSUE, _WHOSE, _row.state == bindparam("from_state"), _row.batch_id == bindparam("batch"))
    .values(state=bindparam("to_state"), answer=bindparam("words"), not_before=bindparam("when"))
)

# batch, holder, now, until, deadline
RENEW = (
    update(tables.batch)
    .where(_batch.id == bindparam("batch"), _batch.owner == bindparam("holder"), _batch.lease_until > bindparam("now"))
    .values(lease_until=bindparam("until"), deadline_at=bindparam("deadline"))
)

"""Browsing people: by address or a part of it, by newsletter and state; by address, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, exists, func, literal, or_, select

from digest.audience.addresses import canonical_address
from digest.audience.dialects import holds
from digest.audience.finding import subscriber_by_id, subscribers_by_ids
from digest.audience.subscriber import Subscriber
from digest.audience.subscription import Subscription, SubscriptionState
from digest.audience.suppression import Suppressed
from digest.errors import UsageError
from digest.store import tables
from digest.store.paging import Page

LOOKED_THROUGH = 20_000
"""So many people are looked at for one page, where they are sorted out by what they are subscribed to."""

_person, _subscription, _suppression = tables.subscriber.c, tables.subscription.c, tables.suppression.c


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody, what they are subscribed to, and whether anything keeps them from being mailed."""

    subscriber: Subscriber
    subscriptions: tuple[Subscription, ...]
    suppressed: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """Who is looked for: `part` of an address, or the whole; `after` is the number of the last one seen: no page names an address
    in its own."""

    part: str = ""
    newsletter: str = ""
    state: SubscriptionState | None = None
    after: int | None = None


def browse_people(connection: Connection, wanted: Wanted, most: int) -> Page[Person]:
    """At most so many people, by address."""
    seen = None if wanted.after is None else subscriber_by_id(connection, wanted.after)
    span = select(_person.id, _person.address).where(
        _person.address > ("" if seen is None else seen.address), *_address(connection, wanted.part)
    )
    narrowed = bool(wanted.newsletter) or wanted.state is not None
    inner = span.order_by(_person.address).limit(LOOKED_THROUGH if narrowed else most + 1).subquery()
    query = select(inner.c.id, inner.c.address).order_by(inner.c.address).limit(most + 1)
    found = connection.execute(query.where(_subscribed(inner.c.id, wanted)) if narrowed else query).all()
    people = _load(connection, [row.id for row in found[:most]])
    if len(found) > most:
        return Page(people, str(found[most - 1].id))
    if not narrowed:
        return Page(people)
    looked, last = connection.execute(select(func.count(), func.max(inner.c.address)).select_from(inner)).one()
    if looked < LOOKED_THROUGH:
        return Page(people)
    number = connection.execute(select(_person.id).where(_person.address == last)).scalar_one()
    return Page(people, str(number), unfinished=True)


def _address(connection: Connection, part: str) -> list[ColumnElement[bool]]:
    """What is a whole address is looked up by the index, and is nobody else's part; of a part each address is looked at."""
    if not part:
        return []
    try:
        return [_person.address == canonical_address(part)]
    except UsageError:
        return [holds(connection, _person.address, part.casefold())]


def _subscribed(whose: ColumnElement[int], wanted: Wanted) -> ColumnElement[bool]:
    where: list[ColumnElement[bool]] = [_subscription.subscriber_id == whose]
    if wanted.newsletter:
        where.append(_subscription.newsletter == wanted.newsletter)
    if wanted.state is not None:
        where.append(_subscription.state == wanted.state.value)
    return exists().where(*where)


def _load(connection: Connection, ids: list[int]) -> tuple[Person, ...]:
    """These people, in the order of their numbers here."""
    known = subscribers_by_ids(connection, ids)
    addresses = [person.address for person, _ in known.values()]
    held = select(_suppression.address).where(_suppression.address.in_(addresses), ~_suppression.scope.contains("/"))
    suppressed = set(connection.execute(held).scalars())
    return tuple(Person(*known[one], known[one][0].address in suppressed) for one in ids)


@dataclass(frozen=True, slots=True)
class WantedSuppressions:
    """Which suppressions are looked for; `after` is the address and the scope of the last one seen."""

    part: str = ""
    scope: str = ""
    reason: str = ""
    after: tuple[str, str] = ("", "")


def browse_suppressions(connection: Connection, wanted: WantedSuppressions, most: int) -> Page[Suppressed]:
    """At most so many suppressions that are known in clear, by address."""
    address, scope = wanted.after
    behind = or_(_suppression.address > address, and_(_suppression.address == literal(address), _suppression.scope > scope))
    query = select(*(_suppression[name] for name in Suppressed.__slots__)).where(behind)
    if wanted.part:
        query = query.where(holds(connection, _suppression.address, wanted.part.casefold()))
    if wanted.scope:
        query = query.where(_suppression.scope == wanted.scope)
    if wanted.reason:
        query = query.where(_suppression.reason == wanted.reason)
    rows = connection.execute(query.order_by(_suppression.address, _suppression.scope).limit(most + 1)).all()
    found = tuple(Suppressed(*row) for row in rows[:most])
    return Page(found, f"{found[-1].address} {found[-1].scope}" if len(rows) > most else None)


def whose(connection: Connection, found: Page[Suppressed]) -> dict[str, int]:
    """Of the addresses on a page those that belong to somebody we know, with the number of each."""
    rows = connection.execute(select(_person.address, _person.id).where(_person.address.in_([one.address for one in found.rows])))
    return {row.address: row.id for row in rows}

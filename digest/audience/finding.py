"""Finding people: one by address, or all of them, streamed."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Connection, Row, exists, func, select

from digest.audience.addresses import canonical_address
from digest.audience.dialects import among
from digest.audience.subscriber import Subscriber
from digest.audience.subscription import Subscription, SubscriptionState
from digest.audience.suppression import EVERYTHING
from digest.errors import UsageError
from digest.store import tables

_SUBSCRIBER = [tables.subscriber.c[field.name] for field in fields(Subscriber)]
_SUBSCRIPTION = [tables.subscription.c[field.name] for field in fields(Subscription)]
_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Listed:
    """One line of a list of subscribers: a person, what they get of one newsletter, and whether they may not be mailed."""

    subscriber: Subscriber
    subscription: Subscription
    suppressed: bool


def find_subscriber(connection: Connection, email: str) -> Subscriber | None:
    """The person with this address, however it is written; `UsageError` where it is not an address at all."""
    query = select(*_SUBSCRIBER).where(tables.subscriber.c.address == canonical_address(email))
    row = connection.execute(query).one_or_none()
    return None if row is None else Subscriber(*row)


def subscriptions_of(connection: Connection, subscriber_id: int) -> tuple[Subscription, ...]:
    """A person's subscriptions, by newsletter, ended ones too."""
    subscription = tables.subscription.c
    query = select(*_SUBSCRIPTION).where(subscription.subscriber_id == subscriber_id).order_by(subscription.newsletter)
    return tuple(_subscription(row) for row in connection.execute(query))


def subscription_by_id(connection: Connection, subscription_id: int, *, lock: bool = False) -> Subscription | None:
    """One subscription; `lock` keeps its row from others until the transaction ends (on SQLite nobody else writes anyway)."""
    query = select(*_SUBSCRIPTION).where(tables.subscription.c.id == subscription_id)
    row = connection.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else _subscription(row)


def subscriber_by_id(connection: Connection, subscriber_id: int) -> Subscriber | None:
    """One person."""
    row = connection.execute(select(*_SUBSCRIBER).where(tables.subscriber.c.id == subscriber_id)).one_or_none()
    return None if row is None else Subscriber(*row)


def subscribers_by_ids(connection: Connection, ids: Collection[int]) -> dict[int, tuple[Subscriber, tuple[Subscription, ...]]]:
    """Some people, each with what they are subscribed to, by newsletter; whoever is not there is absent."""
    theirs: dict[int, list[Subscription]] = {}
    subscription = tables.subscription.c
    query = select(*_SUBSCRIPTION).where(subscription.subscriber_id.in_(ids)).order_by(subscription.newsletter)
    for row in connection.execute(query):
        found = _subscription(row)
        theirs.setdefault(found.subscriber_id, []).append(found)
    people = connection.execute(select(*_SUBSCRIBER).where(tables.subscriber.c.id.in_(ids)))
    return {person.id: (person, tuple(theirs.get(person.id, ()))) for row in people for person in (Subscriber(*row),)}


def subscription_of(connection: Connection, email: str, newsletter: str) -> tuple[Subscriber, Subscription]:
    """A person and what they get of one newsletter, ended or not; `UsageError` when they never had anything of it."""
    person = find_subscriber(connection, email)
    theirs = () if person is None else subscriptions_of(connection, person.id)
    subscription = next((one for one in theirs if one.newsletter == newsletter), None)
    if person is None or subscription is None:
        raise UsageError(f"{email} has no subscription to {newsletter}; `digest subscribers list` shows who has")
    return person, subscription


def list_subscribers(
    connection: Connection,
    newsletter: str | None = None,
    *,
    state: SubscriptionState | None = None,
    after: str | None = None,
    limit: int | None = None,
) -> Iterator[Listed]:
    """Every subscription of one newsletter, or of all, by address; read a thousand at a time, whatever their number.

    `after` is the canonical address behind which they begin, `limit` a number of people: each with all of theirs.
    """
    suppression, subscriber, subscription = tables.suppression.c, tables.subscriber.c, tables.subscription.c
    suppressed = exists().where(
        suppression.address == subscriber.address, suppression.scope.in_([EVERYTHING, subscription.newsletter])
    )
    query = select(*_SUBSCRIBER, *_SUBSCRIPTION, suppressed).join_from(tables.subscriber, tables.subscription)
    if newsletter is not None:
        # The concatenation keeps SQLite off the newsletter's index: from there it would sort everybody in memory, while
        # along the addresses it streams. Nearly all subscribers have the newsletter, so little is read in vain.
        query = query.where(subscription.newsletter.concat("") == newsletter)
    if state is not None:
        query = query.where(subscription.state == state.value)
    if after is not None:
        query = query.where(subscriber.address > after)
    query = query.order_by(subscriber.address, subscription.newsletter)
    split, last, people = len(_SUBSCRIBER), None, 0
    with connection.execute(query, execution_options={"yield_per": _AT_ONCE}) as rows:
        for row in rows:
            if limit is not None and row[0] != last:
                if people == limit:
                    return
                last, people = row[0], people + 1
            yield Listed(Subscriber(*row[:split]), _subscription(row[split:-1]), bool(row[-1]))


def count(connection: Connection, newsletter: str | None = None, *, state: SubscriptionState | None = None) -> int:
    """How many people have a subscription of this newsletter, or of any, in this state, or in any."""
    subscription = tables.subscription.c
    query = select(func.count(subscription.subscriber_id.distinct()))
    if newsletter is not None:
        query = query.where(subscription.newsletter == newsletter)
    if state is not None:
        query = query.where(subscription.state == state.value)
    return int(connection.execute(query).scalar_one())


def count_served(connection: Connection, newsletter: str, addresses: Collection[str]) -> int:
    """How many of some thousand canonical addresses have a subscription of this newsletter that they have not left."""
    person, subscription = tables.subscriber.c, tables.subscription.c
    served = (
        select(func.count())
        .select_from(tables.subscriber.join(tables.subscription, subscription.subscriber_id == person.id))
        .where(
            among(connection, person.address, addresses),
            subscription.newsletter == newsletter,
            subscription.state != SubscriptionState.UNSUBSCRIBED.value,
        )
    )
    return int(connection.execute(served).scalar_one())


def _subscription(row: Row[Any] | tuple[Any, ...]) -> Subscription:
    said = dict(zip((column.name for column in _SUBSCRIPTION), row, strict=True))
    return Subscription(**said | {"state": SubscriptionState(said["state"])})

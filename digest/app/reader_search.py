"""Looking for the reader as whom a preview is to be seen: by an address, or by a part of it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from digest.app.wiring import App
from digest.audience.finding import find_subscriber
from digest.errors import UsageError
from digest.store import tables

MOST = 10
_SHORTEST = 3


@dataclass(frozen=True, slots=True)
class FoundReader:
    """Somebody who has, or had, a subscription to the newsletter."""

    id: int
    email: str


def find_readers(app: App, newsletter: str, words: str) -> list[FoundReader]:
    """The one with this address, or else the first `MOST` whose address has this in it; `UsageError` where there is nobody."""
    person, row = tables.subscriber.c, tables.subscription.c
    query = select(person.id, person.email).join(tables.subscription, row.subscriber_id == person.id)
    query = query.where(row.newsletter == newsletter)
    with app.store.reading() as connection:
        try:
            whole = find_subscriber(connection, words)
        except UsageError:
            whole = None
        if whole is not None:
            found = connection.execute(query.where(person.id == whole.id))
        elif len(words) < _SHORTEST:
            raise UsageError(f"an address, or at least {_SHORTEST} letters of it")
        else:
            like = person.address.contains(words.lower(), autoescape=True)
            found = connection.execute(query.where(like).order_by(person.address).limit(MOST))
        readers = [FoundReader(*one) for one in found]
    if not readers:
        raise UsageError(f"nobody who has a subscription to {newsletter} has “{words}” in their address")
    return readers

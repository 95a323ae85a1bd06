"""Topics that somebody left by their own click: no import and no operator brings them back, only they themselves.

Each is a suppression whose scope is one topic. It keeps no mail from leaving, for what they follow is the subscription's to say.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import Connection, delete, select

from digest.audience.dialects import among
from digest.audience.suppression import suppress, topic_scope
from digest.audience.topics import ALL_TOPICS
from digest.store import tables

_row = tables.suppression.c


def keep_left(connection: Connection, subscriber_id: int, newsletter: str, topic: str, *, now: datetime) -> None:
    """Remember that somebody left a topic."""
    address = connection.execute(select(tables.subscriber.c.address).where(tables.subscriber.c.id == subscriber_id)).scalar_one()
    suppress(connection, address, topic_scope(newsletter, topic), reason="unsubscribed", source="page", now=now)


def take_up(connection: Connection, addresses: Collection[str], newsletter: str, topics: str) -> None:
    """They follow these topics again, by their own word; `*` is all of them."""
    mine = [among(connection, _row.address, addresses), _row.scope.startswith(f"{newsletter}/", autoescape=True)]
    if topics != ALL_TOPICS:
        mine.append(_row.scope.in_([topic_scope(newsletter, topic) for topic in topics.split()]))
    connection.execute(delete(tables.suppression).where(*mine))


def left_by(connection: Connection, addresses: Collection[str], newsletter: str) -> dict[str, frozenset[str]]:
    """Of some canonical addresses, those who left topics of a newsletter, and which."""
    query = select(_row.address, _row.scope).where(
        among(connection, _row.address, addresses), _row.scope.startswith(f"{newsletter}/", autoescape=True)
    )
    found: defaultdict[str, set[str]] = defaultdict(set)
    for address, scope in connection.execute(query):
        found[address].add(scope.partition("/")[2])
    return {address: frozenset(topics) for address, topics in found.items()}


def without(topics: str, left: Collection[str], offered: Iterable[str]) -> str:
    """What is left of some topics, as they are written; empty where nothing is."""
    followed = set(offered) if topics == ALL_TOPICS else set(topics.split())
    return topics if not followed & set(left) else " ".join(sorted(followed - set(left)))

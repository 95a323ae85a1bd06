"""Exporting everything that is known of subscribers as lines of JSON, each a person or a suppression, in little memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from typing import Any, TextIO

import orjson
from sqlalchemy import Connection, Row, exists, select

from digest.audience.dialects import among
from digest.audience.topics import ALL_TOPICS
from digest.store import tables

_AT_ONCE = 1000
_PERSON = ("email", "name", "language", "timezone", "created_at")
_SUBSCRIPTION = (
    "newsletter",
    "topics",
    "frequency",
    "state",
    "created_at",
    "confirmed_at",
    "ended_at",
    "paused_until",
)
_CONSENT = (
    "newsletter",
    "act",
    "source",
    "topics",
    "frequency",
    "before",
    "wording",
    "wording_version",
    "origin",
    "elsewhere",
    "at",
)
_SUPPRESSION = ("address", "scope", "reason", "source", "created_at")


def export_json(connection: Connection, newsletter: str | None, stream: TextIO, *, suppressions: bool) -> int:
    """Write everybody by address, whatever the state of their subscriptions, with their evidence of consent; return how many.

    With a newsletter only who has or had it, and that alone. `suppressions`: then a line for each address that must not be
    mailed. Topics are a list, or `"*"` for all.
    """
    many = 0
    for people in _pages(connection, newsletter):
        ids = [person.id for person in people]
        subscriptions = _of(connection, tables.subscription, _SUBSCRIPTION, ids, newsletter)
        consent = _of(connection, tables.consent, _CONSENT, ids, newsletter)
        for person in people:
            line = {"kind": "subscriber"} | {name: getattr(person, name) for name in _PERSON}
            line["subscriptions"] = [_with_topics(one) for one in subscriptions[person.id]]
            line["consent"] = [_with_topics(one) for one in consent[person.id]]
            stream.write(_line(line))
        many += len(people)
    if suppressions:
        for row in list_suppressions(connection):
            stream.write(_line({"kind": "suppression"} | dict(zip(_SUPPRESSION, row, strict=True))))
    return many


def list_suppressions(connection: Connection) -> Iterator[Row[Any]]:
    """Every suppression, by address, read a thousand at a time: `address, scope, reason, source, created_at`."""
    row = tables.suppression.c
    query = select(*(row[name] for name in _SUPPRESSION)).order_by(row.address, row.scope)
    yield from connection.execute(query, execution_options={"yield_per": _AT_ONCE})


def _pages(connection: Connection, newsletter: str | None) -> Iterator[list[Row[Any]]]:
    person, subscription = tables.subscriber.c, tables.subscription.c
    query = select(person.id, person.address, *(person[name] for name in _PERSON)).order_by(person.address).limit(_AT_ONCE)
    if newsletter is not None:
        query = query.where(exists().where(subscription.subscriber_id == person.id, subscription.newsletter == newsletter))
    last = ""
    while page := list(connection.execute(query.where(person.address > last))):
        yield page
        last = page[-1].address


def _of(
    connection: Connection, table: Any, names: Collection[str], ids: Collection[int], newsletter: str | None
) -> defaultdict[int, list[dict[str, Any]]]:
    row = table.c
    query = select(row.subscriber_id, *(row[name] for name in names)).where(among(connection, row.subscriber_id, ids))
    if newsletter is not None:
        query = query.where(row.newsletter == newsletter)
    found: defaultdict[int, list[dict[str, Any]]] = defaultdict(list)
    for subscriber_id, *values in connection.execute(query.order_by(row.id)):
        found[subscriber_id].append(dict(zip(names, values, strict=True)))
    return found


def _with_topics(one: dict[str, Any]) -> dict[str, Any]:
    return one | {"topics": ALL_TOPICS if one["topics"] == ALL_TOPICS else one["topics"].split()}


def _line(data: dict[str, Any]) -> str:
    return orjson.dumps(data, option=orjson.OPT_APPEND_NEWLINE).decode()

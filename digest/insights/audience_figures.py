"""Figures of the audience: who gets what of each newsletter, what they follow, and how many there were, week by week.

The weeks are counted from the subscriptions as they are now: who was erased is in none of them, and who left and came back counts from
when they came back.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, String, func, select, type_coerce

from digest.audience.subscription import SubscriptionState
from digest.audience.topics import ALL_TOPICS
from digest.store import tables

NAME = "audience"
WEEKS = 26

_READ = (SubscriptionState.ACTIVE.value, SubscriptionState.PAUSED.value)
_row = tables.subscription.c


def size(connection: Connection) -> int:
    """At least as many subscriptions as there are; known without counting them."""
    return int(connection.execute(select(func.coalesce(func.max(_row.id), 0))).scalar_one())


def mark(connection: Connection, today: date) -> str:
    """What the figures depend on, as far as that can be told without counting."""
    last = (select(func.coalesce(func.max(table.c.id), 0)) for table in (tables.consent, tables.subscription, tables.succession))
    return ".".join(str(connection.execute(one).scalar_one()) for one in last) + f".{today}"


def count_audience(connection: Connection, today: date) -> dict[str, Any]:
    """By newsletter: `active` by frequency, `states`, `topics` of the active ones (`*`: all of them), and `weeks`.

    Each week is its Monday, how many joined and left in it, and how many were subscribed at its end. Days are UTC's.
    """
    found: dict[str, Any] = {}
    grouped = select(_row.newsletter, _row.frequency, _row.state, _row.topics, func.count())
    grouped = grouped.group_by(_row.newsletter, _row.frequency, _row.state, _row.topics)
    for newsletter, frequency, state, topics, many in connection.execute(grouped):
        one = found.setdefault(newsletter, {"active": Counter(), "states": Counter(), "topics": Counter(), "weeks": []})
        one["states"][state] += many
        if state == SubscriptionState.ACTIVE.value:
            one["active"][frequency] += many
            one["topics"].update(dict.fromkeys(topics.split(), many))
    first = today - timedelta(days=today.weekday(), weeks=WEEKS - 1)
    joined, left = (_by_week(connection, column, *where) for column, *where in _COMING_AND_GOING)
    for newsletter, one in found.items():
        readers = sum(one["states"][state] for state in _READ)
        one["weeks"] = _weeks(first, readers, joined[newsletter], left[newsletter])
    return found


def followers(topics: dict[str, int], topic: str) -> int:
    """How many follow a topic: by its name, or as everything."""
    return topics.get(topic, 0) + topics.get(ALL_TOPICS, 0)


_COMING_AND_GOING: tuple[tuple[ColumnElement[datetime], *tuple[ColumnElement[bool], ...]], ...] = (
    (_row.confirmed_at, _row.confirmed_at.is_not(None)),
    (_row.ended_at, _row.confirmed_at.is_not(None), _row.state == SubscriptionState.UNSUBSCRIBED.value),
)


def _by_week(
    connection: Connection, column: ColumnElement[datetime], *where: ColumnElement[bool]
) -> defaultdict[str, Counter[date]]:
    """How many of each newsletter, by the Monday of the week in which something happened."""
    day = func.substr(type_coerce(column, String), 1, 10)
    query = select(_row.newsletter, day, func.count()).where(*where).group_by(_row.newsletter, day)
    found: defaultdict[str, Counter[date]] = defaultdict(Counter)
    for newsletter, text, many in connection.execute(query):
        on = date.fromisoformat(text)
        found[newsletter][on - timedelta(days=on.weekday())] += many
    return found


def _weeks(first: date, readers: int, joined: Counter[date], left: Counter[date]) -> list[tuple[str, int, int, int]]:
    """From the last week back to the first: what came is taken away, what went is given back."""
    weeks = []
    for number in reversed(range(WEEKS)):
        monday = first + timedelta(weeks=number)
        weeks.append((monday.isoformat(), joined[monday], left[monday], readers))
        readers += left[monday] - joined[monday]
    return weeks[::-1]

"""Succession: the subscriptions to what was renamed or given up are moved, or end; a recorded step, within the caller's transaction.

Coverage points and what is owed stay as they are, so nothing is lost and nothing comes again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, exists, insert, literal, select, update

from digest.audience.following import Kind, Succession
from digest.audience.subscription import SubscriptionState
from digest.audience.topics import ALL_TOPICS
from digest.store import tables

_row = tables.subscription.c
_there = _row.state != SubscriptionState.UNSUBSCRIBED.value


@dataclass(frozen=True, slots=True)
class Succeeded:
    """A succession that was carried out: how many subscriptions were moved and how many ended (of a source: articles)."""

    step: Succession
    moved: int
    ended: int

    def __str__(self) -> str:
        step = self.step
        of = f" of {step.newsletter}" if step.newsletter else ""
        what = f"{step.kind} {step.name!r}{of} is " + (f"moved to {step.moved_to!r}" if step.moved_to else "retired")
        who = "article" if step.kind is Kind.SOURCE else "subscription"
        return f"{what}: {self.moved:,} {who}{'' if self.moved == 1 else 's'} changed, {self.ended:,} ended"


def succeed(connection: Connection, step: Succession, *, now: datetime) -> Succeeded:
    """Carry out a succession of a topic, a frequency or a newsletter."""
    if step.kind is Kind.TOPIC:
        moved, ended = _topic(connection, step, now)
    elif step.kind is Kind.FREQUENCY:
        whose = _there & (_row.newsletter == step.newsletter) & (_row.frequency == step.name)
        moved, ended = _all(connection, whose, None if step.moved_to is None else {"frequency": step.moved_to}, now)
    else:
        moved, ended = _newsletter(connection, step, now)
    return Succeeded(step, moved, ended)


def record(connection: Connection, done: Succeeded, *, actor: str, now: datetime) -> None:
    """Append it to the history of successions."""
    step = done.step
    what = {"kind": step.kind.value, "newsletter": step.newsletter, "name": step.name, "moved_to": step.moved_to}
    counted = {"moved": done.moved, "ended": done.ended}
    connection.execute(insert(tables.succession).values({**what, **counted, "actor": actor, "at": now}))


def _topic(connection: Connection, step: Succession, now: datetime) -> tuple[int, int]:
    moved = ended = 0
    theirs = _there & (_row.newsletter == step.newsletter)
    for text in connection.execute(select(_row.topics).where(theirs, _row.topics.contains(step.name)).distinct()).scalars().all():
        topics = set(text.split())
        if step.name not in topics:
            continue
        left = (topics - {step.name}) | ({step.moved_to} if step.moved_to else set())
        whose = theirs & (_row.topics == text)
        one, other = _all(connection, whose, {"topics": " ".join(sorted(left))} if left else None, now)
        moved, ended = moved + one, ended + other
    return moved, ended


def _newsletter(connection: Connection, step: Succession, now: datetime) -> tuple[int, int]:
    whose = _there & (_row.newsletter == step.name)
    if step.moved_to is None:
        return _all(connection, whose, None, now)
    _keep_away(connection, step.name, step.moved_to)
    _begin_where_it_was(connection, step.name, step.moved_to)
    other = tables.subscription.alias()
    both = exists().where(other.c.subscriber_id == _row.subscriber_id, other.c.newsletter == step.moved_to)
    moved, _ = _all(connection, whose & ~both, {"newsletter": step.moved_to}, now)
    joined = 0
    for row in connection.execute(select(tables.subscription).where(whose)).all():
        joined += _join(connection, row, step.moved_to)
    _, ended = _all(connection, whose, None, now)
    return moved + joined, ended - joined


def _join(connection: Connection, row: Any, successor: str) -> int:
    """Who follows both follows the topics of both; what either has not shown them yet comes, and the ledger keeps out the rest."""
    where = (_row.subscriber_id == row.subscriber_id, _row.newsletter == successor)
    kept = connection.execute(select(tables.subscription).where(*where)).one()
    if kept.state == SubscriptionState.UNSUBSCRIBED.value:
        return 0
    every = ALL_TOPICS in (row.topics, kept.topics)
    values: dict[str, Any] = {
        "topics": ALL_TOPICS if every else " ".join(sorted({*row.topics.split(), *kept.topics.split()})),
        "coverage": min(row.coverage, kept.coverage),
        "owed": _both(row.owed, kept.owed),
    }
    connection.execute(update(tables.subscription).where(*where).values(values))
    return 1


def _both(one: str, other: str) -> str:
    ages = dict(pair.split("@") for pair in f"{one} {other}".split())
    return " ".join(f"{article}@{ages[article]}" for article in sorted(ages, key=int))


def _keep_away(connection: Connection, newsletter: str, successor: str) -> None:
    """Who must not be mailed the one must not be mailed the other."""
    for table, who in ((tables.suppression, ["address"]), (tables.erased_suppression, ["hash", "key_id"])):
        row, other = table.c, table.alias()
        known = exists().where(other.c[who[0]] == row[who[0]], other.c.scope == successor)
        kept = [*who, "reason", "source", "created_at"]
        rows = select(literal(successor), *(row[name] for name in kept)).where(row.scope == newsletter, ~known)
        connection.execute(insert(table).from_select(["scope", *kept], rows))


def _begin_where_it_was(connection: Connection, newsletter: str, successor: str) -> None:
    """Frequencies in which the successor had no issue yet start where the other one has come to."""
    row, other = tables.coverage.c, tables.coverage.alias()
    known = exists().where(other.c.newsletter == successor, other.c.frequency == row.frequency)
    points = select(literal(successor), row.frequency, row.point).where(row.newsletter == newsletter, ~known)
    connection.execute(insert(tables.coverage).from_select(["newsletter", "frequency", "point"], points))


def _all(connection: Connection, whose: ColumnElement[bool], values: Mapping[str, Any] | None, now: datetime) -> tuple[int, int]:
    """Change them all, or, without values, end them all; how many were changed and how many ended."""
    if values is not None:
        return connection.execute(update(tables.subscription).where(whose).values(values)).rowcount, 0
    ending = {"state": SubscriptionState.UNSUBSCRIBED.value, "ended_at": now}
    return 0, connection.execute(update(tables.subscription).where(whose).values(ending)).rowcount

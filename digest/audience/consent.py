"""Consent: evidence of what a person agreed to and took back. Only ever added to; erased with the person, and not before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import orjson
from sqlalchemy import Connection, func, insert, select

from digest.audience.dialects import insert_all
from digest.audience.subscription import Subscription, SubscriptionState, Terms
from digest.store import tables
from digest.store.tables import instant_text

_row = tables.consent.c


class Act(StrEnum):
    """What somebody did."""

    ASKED = "asked"
    """They asked for it; their confirmation was still to come."""
    CONFIRMED = "confirmed"
    """They confirmed, from the mail that went to their address."""
    ADDED = "added"
    """The operator added them."""
    IMPORTED = "imported"
    """They came in from a file."""
    CHANGED = "changed"
    """Other topics, another frequency, a pause."""
    LEFT = "left"
    """They unsubscribed."""
    RETURNED = "returned"
    """They took their leaving back."""
    STAYED = "stayed"
    """They were asked whether they want to go on, and said yes."""
    MOVED = "moved"
    """They changed their address, and both agreed."""


class Source(StrEnum):
    """By what they did it."""

    PAGE = "page"
    API = "api"
    PROGRAM = "program"
    """Another program of the publisher's, with a token: somebody vouches for nobody by it."""
    ONE_CLICK = "one-click"
    """The button of their mail program (RFC 8058)."""
    COMMAND_LINE = "command line"
    IMPORT = "import"
    MAIL = "mail"
    """A mail to the address in List-Unsubscribe."""
    SUNSET = "sunset"
    """The rule that lets go who never opens or clicks, and does not answer when asked. The wording says why."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of how somebody did something. `origin` is a network, never a whole address."""

    source: Source
    origin: str | None = None
    wording: str | None = None
    wording_version: str | None = None


@dataclass(frozen=True, slots=True)
class Past:
    """What another tool says of how somebody came to it: when they asked and confirmed, from which network, and when they left."""

    tool: str
    opted_in_at: datetime | None
    confirmed_at: datetime | None
    origin: str | None
    left_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """One line of evidence as it is kept. `before` holds what stood until then, by name, or None.

    `elsewhere` is what another tool said of it: `tool`, `opted_in_at`, `confirmed_at`, `left_at`; or None.
    """

    id: int
    newsletter: str
    act: Act
    source: Source
    topics: str
    frequency: str
    before: dict[str, Any] | None
    wording: str | None
    wording_version: str | None
    origin: str | None
    elsewhere: dict[str, Any] | None
    at: datetime


def write_down(
    connection: Connection,
    act: Act,
    subscription: Subscription,
    evidence: Evidence,
    *,
    before: Subscription | None,
    now: datetime,
) -> None:
    """Add a line: `subscription` as it is from now on, `before` as it was."""
    line = {
        "subscriber_id": subscription.subscriber_id,
        "newsletter": subscription.newsletter,
        "act": act.value,
        "source": evidence.source.value,
        "topics": subscription.topics,
        "frequency": subscription.frequency,
        "before": None if before is None else _as_it_was(before),
        "wording": evidence.wording,
        "wording_version": evidence.wording_version,
        "origin": evidence.origin,
        "at": now,
    }
    connection.execute(insert(tables.consent).values(line))


def write_down_all(
    connection: Connection,
    newsletter: str,
    changes: Sequence[tuple[int, Terms | None, Terms, Past | None]],
    evidence: Evidence,
    *,
    now: datetime,
) -> None:
    """Add a line for each of some thousand people: who, their terms before, if any, and from now on, and their past elsewhere."""
    shared: dict[str, Any] = {
        "newsletter": newsletter,
        "source": evidence.source.value,
        "wording": evidence.wording,
        "wording_version": evidence.wording_version,
        "at": instant_text(now),
    }
    rows = [
        shared
        | {
            "subscriber_id": subscriber_id,
            "act": act_of(before, after, evidence.source).value,
            "topics": after.topics,
            "frequency": after.frequency,
            "before": None if before is None else orjson.dumps(_terms_as_they_were(before), option=orjson.OPT_SORT_KEYS).decode(),
            "origin": evidence.origin if past is None else past.origin,
            "elsewhere": None if past is None else _past(past),
        }
        for subscriber_id, before, after, past in changes
    ]
    if rows:
        insert_all(connection, insert(tables.consent), rows)


def act_of(before: Terms | None, after: Terms, source: Source) -> Act:
    """What somebody did who had one and has the other."""
    if after.state is SubscriptionState.UNSUBSCRIBED:
        return Act.LEFT
    if source in (Source.PAGE, Source.API):
        return Act.CONFIRMED
    if before is None:
        return Act.IMPORTED if source is Source.IMPORT else Act.ADDED
    if before.state is after.state:
        return Act.CHANGED
    return Act.CONFIRMED if before.state is SubscriptionState.PENDING else Act.RETURNED


def evidence_of(connection: Connection, subscriber_id: int) -> tuple[Kept, ...]:
    """Every line of a person, the oldest first."""
    columns = [_row[name] for name in Kept.__slots__]
    query = select(*columns).where(_row.subscriber_id == subscriber_id).order_by(_row.id)
    found = (row._asdict() for row in connection.execute(query))
    return tuple(Kept(**(one | {"act": Act(one["act"]), "source": Source(one["source"])})) for one in found)


def _past(past: Past) -> str:
    told = {}  # in the order of the keys
    if past.confirmed_at is not None:
        told["confirmed_at"] = instant_text(past.confirmed_at)
    if past.left_at is not None:
        told["left_at"] = instant_text(past.left_at)
    if past.opted_in_at is not None:
        told["opted_in_at"] = instant_text(past.opted_in_at)
    return orjson.dumps(told | {"tool": past.tool}).decode()


def lines_since(connection: Connection, subscriber_id: int, since: datetime) -> int:
    """How many lines a person has added since a time."""
    query = select(func.count()).where(_row.subscriber_id == subscriber_id, _row.at > since)
    return int(connection.execute(query).scalar_one())


def _as_it_was(subscription: Subscription) -> dict[str, Any]:
    until = subscription.paused_until
    return _terms_as_they_were(subscription) | {"paused_until": None if until is None else instant_text(until)}


def _terms_as_they_were(terms: Terms) -> dict[str, Any]:
    return {"state": terms.state.value, "topics": terms.topics, "frequency": terms.frequency, "paused_until": None}

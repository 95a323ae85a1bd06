"""Lifting: a person takes a suppression back, with a reason that is kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, insert

from digest.audience.addresses import canonical_address
from digest.audience.erased_suppression import recall
from digest.audience.finding import find_subscriber
from digest.audience.suppression import COMPLAINED, Suppressed, suppressions_of
from digest.errors import Refused, UsageError
from digest.store import tables


def lift(
    connection: Connection,
    email: str,
    scope: str | None,
    *,
    why: str,
    actor: str,
    though_they_complained: bool,
    now: datetime,
) -> tuple[Suppressed, ...]:
    """Take back one suppression of an address, or the only one it has; returns what was lifted.

    `Refused` for a complaint, unless that is said: they called a mail spam, and no operator's wish goes before theirs.
    """
    address = canonical_address(email)
    recall(connection, {address})
    known = suppressions_of(connection, address)
    found = [one for one in known if scope in (None, one.scope)]
    if not found:
        raise UsageError(f"{email} is not suppressed{'' if scope is None else f' for {scope}'}")
    if len(found) > 1:
        raise UsageError(f"{email} is suppressed for several: say with --scope which, {', '.join(one.scope for one in found)}")
    if found[0].reason == COMPLAINED and not though_they_complained:
        raise Refused(
            f"{email} complained: they called a mail spam. Add --though-they-complained if they asked you to write again"
        )
    _take_back(connection, found, why, actor, now)
    return tuple(found)


def _take_back(connection: Connection, found: Sequence[Suppressed], why: str, actor: str, now: datetime) -> None:
    row = tables.suppression.c
    person = find_subscriber(connection, found[0].address)
    for one in found:
        line = {name: getattr(one, name) for name in ("scope", "reason", "source", "created_at")}
        line |= {"subscriber_id": None if person is None else person.id, "why": why, "actor": actor[:64], "at": now}
        connection.execute(insert(tables.lifted_suppression).values(line))
        connection.execute(delete(tables.suppression).where(row.address == one.address, row.scope == one.scope))

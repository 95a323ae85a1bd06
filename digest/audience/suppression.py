"""Suppression: addresses that must not be mailed, and why."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, exists, func, select

from digest.audience.addresses import canonical_address
from digest.audience.dialects import among, insert_all, insert_missing
from digest.store import tables
from digest.store.tables import instant_text

EVERYTHING = "*"
"""The scope of a suppression that holds for every newsletter."""


def suppress(connection: Connection, email: str, scope: str, *, reason: str, source: str, now: datetime) -> bool:
    """Keep an address from being mailed, in `scope`: a newsletter's slug, or `*`. True when that is new.

    The first suppression of an address and scope stays, with its reason; nothing here ever lifts one.
    """
    row = {
        "address": canonical_address(email),
        "scope": scope,
        "reason": reason,
        "source": source,
        "created_at": now,
    }
    new = insert_missing(connection, tables.suppression).values(row).returning(tables.suppression.c.address)
    return connection.execute(new).first() is not None


@dataclass(frozen=True, slots=True)
class Shut:
    """An address that shall not be mailed, canonical, in a scope, with the reason and who says so; `at`: since when, if known."""

    address: str
    scope: str
    reason: str
    source: str
    at: datetime | None


def suppress_all(connection: Connection, shut: Sequence[Shut], *, now: datetime) -> int:
    """Suppress some thousand addresses, as `suppress` does one; how many of them are new."""
    if not shut:
        return 0
    rows = [
        {
            "address": one.address,
            "scope": one.scope,
            "reason": one.reason,
            "source": one.source,
            "created_at": instant_text(one.at or now),
        }
        for one in shut
    ]
    before = _how_many(connection, shut)
    insert_all(connection, insert_missing(connection, tables.suppression), rows)
    return _how_many(connection, shut) - before


def _how_many(connection: Connection, shut: Sequence[Shut]) -> int:
    row, addresses = tables.suppression.c, {one.address for one in shut}
    scopes = {one.scope for one in shut}
    known = select(func.count()).where(among(connection, row.address, addresses), row.scope.in_(scopes))
    return int(connection.execute(known).scalar_one())


def is_suppressed(connection: Connection, email: str, newsletter: str) -> bool:
    """Whether an address must not be mailed for this newsletter."""
    return bool(suppressed_among(connection, {canonical_address(email)}, newsletter))


def is_suppressed_anywhere(connection: Connection, email: str) -> bool:
    """Whether an address must not be mailed for some newsletter, or for all."""
    known = select(exists().where(tables.suppression.c.address == canonical_address(email)))
    return bool(connection.execute(known).scalar_one())


def suppressed_among(connection: Connection, addresses: Collection[str], newsletter: str) -> frozenset[str]:
    """Those of some canonical addresses (at most a few thousand) that must not be mailed for this newsletter."""
    suppression = tables.suppression.c
    query = select(suppression.address).where(
        among(connection, suppression.address, addresses), suppression.scope.in_((EVERYTHING, newsletter))
    )
    return frozenset(connection.execute(query).scalars())

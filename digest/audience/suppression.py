"""Suppression: addresses that must not be mailed, and why."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, exists, select

from digest.audience.addresses import canonical_address
from digest.audience.dialects import among, insert_missing
from digest.store import tables

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

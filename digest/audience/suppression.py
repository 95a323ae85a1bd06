"""Suppression: addresses that must not be mailed, and why.

A suppression outlives its person: of who is erased only a keyed hash of the address is kept (`erased_suppression`). Every address that
comes from outside is looked for there too; one that comes in again is suppressed again, in clear, as it stands in clear beside it. So
planning and marking look at nothing but addresses in clear.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, exists, func, select

from digest.audience import erased_suppression
from digest.audience.addresses import canonical_address
from digest.audience.dialects import among, insert_all, insert_missing
from digest.store import tables
from digest.store.tables import instant_text

EVERYTHING = "*"
"""The scope of a suppression that holds for every newsletter."""

COMPLAINED = "complained"
"""The reason of a suppression that somebody wanted who called a mail spam."""

_row = tables.suppression.c
_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Suppressed:
    """One suppression of an address that is known in clear."""

    address: str
    scope: str
    reason: str
    source: str
    created_at: datetime


def topic_scope(newsletter: str, topic: str) -> str:
    """The scope of a suppression that holds for one topic: by nobody's word but their own they follow it again."""
    return f"{newsletter}/{topic}"


def suppress(connection: Connection, email: str, scope: str, *, reason: str, source: str, now: datetime) -> bool:
    """Keep an address from being mailed, in `scope`: a newsletter's slug, or `*`. True when that is new.

    The first suppression of an address and scope stays, with its reason.
    """
    row = {
        "address": canonical_address(email),
        "scope": scope,
        "reason": reason,
        "source": source,
        "created_at": now,
    }
    new = insert_missing(connection, tables.suppression).values(row).returning(_row.address)
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
    """Whether an address must not be mailed for this newsletter, be it known or erased."""
    address, scopes = canonical_address(email), (EVERYTHING, newsletter)
    known = select(exists().where(_row.address == address, _row.scope.in_(scopes)))
    return bool(connection.execute(known).scalar_one()) or erased_suppression.holds(connection, address, scopes)


def is_suppressed_anywhere(connection: Connection, email: str) -> bool:
    """Whether an address must not be mailed for some newsletter, or for all, be it known or erased."""
    address = canonical_address(email)
    known = select(exists().where(_row.address == address))
    return bool(connection.execute(known).scalar_one()) or erased_suppression.holds(connection, address)


def suppressed_among(connection: Connection, addresses: Collection[str], newsletter: str) -> frozenset[str]:
    """Those of some canonical addresses (at most a few thousand) of people we know that must not be mailed for this newsletter."""
    query = select(_row.address).where(among(connection, _row.address, addresses), _row.scope.in_((EVERYTHING, newsletter)))
    return frozenset(connection.execute(query).scalars())


def suppressions_of(connection: Connection, email: str) -> tuple[Suppressed, ...]:
    """Every suppression of one address that is known in clear, by scope."""
    query = select(*(_row[name] for name in Suppressed.__slots__)).where(_row.address == canonical_address(email))
    return tuple(Suppressed(*found) for found in connection.execute(query.order_by(_row.scope)))


def list_suppressions(connection: Connection, scope: str | None = None) -> Iterator[Suppressed]:
    """Every suppression that is known in clear, by address; read a thousand at a time."""
    query = select(*(_row[name] for name in Suppressed.__slots__)).order_by(_row.address, _row.scope)
    if scope is not None:
        query = query.where(_row.scope == scope)
    for found in connection.execute(query, execution_options={"yield_per": _AT_ONCE}):
        yield Suppressed(*found)


def count(connection: Connection) -> tuple[int, int]:
    """How many suppressions there are of addresses in clear, and how many of people who were erased."""
    tables_ = (tables.suppression, tables.erased_suppression)
    clear, erased = (connection.execute(select(func.count()).select_from(table)).scalar_one() for table in tables_)
    return int(clear), int(erased)

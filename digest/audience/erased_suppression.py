"""Suppressions of people who were erased: nothing of the address is kept but a hash that needs the project's secret.

The hash is HMAC-SHA256 under a key that is derived from `secret_key`. Whoever has the database alone cannot try addresses out. A hash
cannot be made anew when the secret changes, so that the former ones are looked by as well, and each row says by which key it was made:
`digest doctor` tells of rows whose key is gone.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection, Iterable

from sqlalchemy import Connection, delete, exists, func, select

from digest.audience.dialects import among, insert_missing
from digest.audience.mac import mac
from digest.store import tables
from digest.store.database import keys_of

LABEL = "erased suppressions"
"""What the key is derived for."""

_row, _clear = tables.erased_suppression.c, tables.suppression.c
_KEPT = ("scope", "reason", "source", "created_at")


def hide(connection: Connection, address: str) -> None:
    """Keep the suppressions of an address that is to be forgotten, by its hash alone."""
    kept = connection.execute(select(*(_clear[name] for name in _KEPT)).where(_clear.address == address)).all()
    if not kept:
        return
    key = _keys(connection)[0]
    whose = {"hash": hash_of(key, address), "key_id": key_id(key)}
    connection.execute(insert_missing(connection, tables.erased_suppression), [whose | row._asdict() for row in kept])
    connection.execute(delete(tables.suppression).where(_clear.address == address))


def recall(connection: Connection, addresses: Collection[str]) -> None:
    """Addresses that come in anew: those that were suppressed before their person was erased are so again, in clear."""
    if not addresses or not _any(connection):
        return
    by_hash = {hash_of(key, address): address for key in _keys(connection) for address in addresses}
    columns = (_row.hash, *(_row[name] for name in _KEPT))
    found = connection.execute(select(*columns).where(among(connection, _row.hash, by_hash.keys()))).all()
    if not found:
        return
    rows = [{"address": by_hash[row.hash]} | {name: getattr(row, name) for name in _KEPT} for row in found]
    connection.execute(insert_missing(connection, tables.suppression), rows)
    connection.execute(delete(tables.erased_suppression).where(among(connection, _row.hash, {row.hash for row in found})))


def holds(connection: Connection, address: str, scopes: Iterable[str] | None = None) -> bool:
    """Whether an address was suppressed before its person was erased, in one of these scopes or in any."""
    if not _any(connection):
        return False
    hashes = [hash_of(key, address) for key in _keys(connection)]
    found = exists().where(_row.hash.in_(hashes))
    query = select(found if scopes is None else found.where(_row.scope.in_(list(scopes))))
    return bool(connection.execute(query).scalar_one())


def unreadable(connection: Connection) -> int:
    """How many there are whose key is not among the project's secrets any more: nobody is recognised by them."""
    if not _any(connection):
        return 0
    known = [key_id(key) for key in _keys(connection)]
    query = select(func.count()).select_from(tables.erased_suppression).where(_row.key_id.not_in(known))
    return int(connection.execute(query).scalar_one())


def hash_of(key: bytes, address: str) -> str:
    """64 hexadecimal digits."""
    return mac(key, b"address|")(address.encode()).hex()


def key_id(key: bytes) -> str:
    """Tells keys apart, and says nothing of them."""
    return hmac.digest(key, b"key id", hashlib.sha256)[:4].hex()


def _any(connection: Connection) -> bool:
    return bool(connection.execute(select(exists(select(_row.hash)))).scalar_one())


def _keys(connection: Connection) -> tuple[bytes, ...]:
    """The keys of this project, the one of now first; a store that was opened without them cannot tell who is suppressed."""
    keys = keys_of(connection)
    if not keys:
        raise LookupError("the store was opened without the keys by which erased addresses are known")
    return keys

"""Tallying: how often something was asked for, counted by the minute under hashed keys, for all processes together."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, select, update

from digest.audience.dialects import insert_missing
from digest.audience.mac import mac
from digest.store import tables

KEPT_FOR = timedelta(days=2)

_row = tables.tally.c


def hashed(key: bytes, kind: str, whose: str = "") -> str:
    """What stands for an address or a network; without the project's secret nobody can tell whose it is."""
    return f"{kind} {mac(key, b'tally|')(f'{kind}|{whose}'.encode()).hex()[:32]}"


def count(connection: Connection, key: str, *, now: datetime, more: int = 1) -> None:
    """One more, or some. Within a transaction that writes alone."""
    minute = now.replace(second=0, microsecond=0)
    mine = update(tables.tally).where(_row.key == key, _row.minute == minute)
    if connection.execute(mine.values(many=_row.many + more)).rowcount == 0:
        connection.execute(insert_missing(connection, tables.tally).values(key=key, minute=minute, many=more))


def many(connection: Connection, key: str, *, since: datetime) -> int:
    """How many since a time, by whole minutes: one more minute rather than one less."""
    start = since.replace(second=0, microsecond=0)
    query = select(func.coalesce(func.sum(_row.many), 0)).where(_row.key == key, _row.minute >= start)
    return int(connection.execute(query).scalar_one())


def highest(connection: Connection, kind: str, *, since: datetime) -> int:
    """The most that one key of a kind has since a time."""
    sums = (
        select(func.sum(_row.many).label("sum"))
        .where(_row.key.startswith(f"{kind} ", autoescape=True), _row.minute >= since)
        .group_by(_row.key)
        .subquery()
    )
    return int(connection.execute(select(func.coalesce(func.max(sums.c.sum), 0))).scalar_one())


def forget_old(connection: Connection, *, now: datetime) -> None:
    """Take out what no limit looks at any more."""
    connection.execute(delete(tables.tally).where(_row.minute < now - KEPT_FOR))

"""Copying a whole database into a scratch file, leaving the original untouched."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, LargeBinary, Table, insert, null, select

from digest.store.tables import metadata

_AT_ONCE = 5000


def copy_file(original: Path, copy: Path, busy_seconds: float) -> None:
    """A consistent copy of an SQLite file that leaves the original, and its folder, untouched to the byte.

    A read-only connection leaves an empty write-ahead log behind; an ordinary one that only reads takes it away
    again, but would fold a log that a crash has left into the file. So the mode goes by whether there is a log.
    """
    if not original.exists():
        return
    mode = "ro" if original.with_name(original.name + "-wal").exists() else "rw"
    with (
        closing(sqlite3.connect(f"{original.resolve().as_uri()}?mode={mode}", uri=True, timeout=busy_seconds)) as source,
        closing(sqlite3.connect(copy)) as target,
    ):
        source.backup(target)


def put_in_place(copy: Path, target: Path, busy_seconds: float) -> None:
    """What an SQLite file holds becomes what `target` holds, at once or not at all, also under processes that have it open."""
    ends, last = time.monotonic() + busy_seconds, -1

    def patient(_: int, remaining: int, __: int) -> None:
        nonlocal ends, last
        if remaining != last:
            ends, last = time.monotonic() + busy_seconds, remaining
        elif time.monotonic() > ends:
            raise sqlite3.OperationalError("database is locked")

    with closing(sqlite3.connect(copy)) as source, closing(sqlite3.connect(target, timeout=busy_seconds)) as into:
        source.backup(into, progress=patient)


def copy_rows(original: Engine, copy: Connection) -> None:
    """Every row of every table as one moment saw it, a few thousand at a time; without what came from outside, to the byte: it may be
    gigabytes, and nothing that is tried out reads it."""
    with original.connect().execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True) as source:
        for table in metadata.sorted_tables:
            for rows in source.execution_options(yield_per=_AT_ONCE).execute(select(*_columns(table))).mappings().partitions():
                copy.execute(insert(table), [dict(row) for row in rows])


def _columns(table: Table) -> list[ColumnElement[Any]]:
    return [null().label(one.name) if isinstance(one.type, LargeBinary) and one.nullable else one for one in table.columns]

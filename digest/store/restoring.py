"""Restoring: what a backup holds becomes what a database holds, of either kind, in one transaction; and a person is asked before it sends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Connection, Integer, Table, column, exists, func, select, table, text

from digest.errors import Refused, Unreachable, UsageError
from digest.store import tables
from digest.store.complaints import speaking_plainly
from digest.store.copying import put_in_place
from digest.store.database import Store
from digest.store.epoch import mark_restored
from digest.store.planner import inform_planner
from digest.store.queue import empty_queue
from digest.store.seal import Seal, unseal
from digest.store.tables import metadata

_BUSY_SECONDS = 30
_ROWS_AT_ONCE = 1000
_TELLS_NOTHING = {"send_epoch", "halt"}


@contextmanager
def opened(file: Path, folder: Path) -> Iterator[tuple[Store, Seal]]:
    """A backup, looked at byte by byte, brought to this version and marked as restored: a store of its own in `folder`.

    `UsageError` where the file is none or was altered, `Refused` where a newer Digest made it.
    """
    copy = folder / "restored.db"
    try:
        found = unseal(file, copy)
    except OSError as error:
        raise Unreachable(f"{folder}: {error.strerror}; TMPDIR names where there is room for the whole database") from error
    store = Store(f"sqlite:///{copy}", synchronous="OFF")
    try:
        try:
            store.migrate()
        except UsageError:
            raise UsageError(f"{file}: what it holds is not Digest's") from None
        except Refused as refused:
            raise Refused(f"{file}: {refused}") from None
        with store.writing() as connection:
            mark_restored(connection)
        yield store, found
    finally:
        store.close()


def is_empty(store: Store) -> bool:
    """Whether nothing would be lost if this database were another one."""
    with store.reading() as connection:
        return not any(
            connection.execute(select(exists(select(one)))).scalar_one()
            for one in metadata.sorted_tables
            if one.name not in _TELLS_NOTHING
        )


def load(backup: Store, store: Store) -> None:
    """Put it in place: afterwards `store` holds what `backup` holds, and nothing else."""
    if store.path is not None and backup.path is not None:
        backup.close()  # folds its log into the file
        store.close()
        with speaking_plainly(store.url):
            put_in_place(backup.path, store.path, _BUSY_SECONDS)
        return
    with backup.reading() as source, store.writing() as connection:
        connection.exec_driver_sql("TRUNCATE " + ", ".join(one.name for one in metadata.sorted_tables))
        for one in metadata.sorted_tables:
            _load_table(source, connection, one)
            _go_on_counting(source, connection, one)
        empty_queue(connection)  # its jobs were for issues of before
        inform_planner(connection)


def _load_table(source: Connection, connection: Connection, one: Table) -> None:
    """By COPY: row by row a database of a million readers takes an hour."""
    from psycopg import DataError, sql

    names = [found.name for found in one.columns]
    plain = table(one.name, *(column(name) for name in names))
    copying = sql.SQL("COPY {} ({}) FROM STDIN").format(
        sql.Identifier(one.name), sql.SQL(", ").join(sql.Identifier(name) for name in names)
    )
    driver: Any = connection.connection.driver_connection
    try:
        with driver.cursor() as cursor, cursor.copy(copying) as copy:
            for row in source.execution_options(yield_per=_ROWS_AT_ONCE).execute(select(*plain.c)):
                copy.write_row(row)
    except DataError as error:  # its other words hold the row, which may be somebody's
        said = error.diag.message_primary or type(error).__name__
        raise Refused(f"PostgreSQL does not take a row of {one.name} that SQLite holds: {said}; nothing was changed") from None


def _go_on_counting(source: Connection, connection: Connection, one: Table) -> None:
    """The next row gets a number that none ever had: whoever had the last one may be erased, and links of theirs are about."""
    number = one.columns.get("id")
    if number is None or not _is_counted(number):
        return
    highest = connection.execute(select(func.max(number))).scalar_one() or 0
    kept = table("sqlite_sequence", column("name"), column("seq"))
    ever = source.execute(select(kept.c.seq).where(kept.c.name == one.name)).scalar_one_or_none() or 0
    last = max(highest, int(ever))
    counting = text("SELECT setval(CAST(pg_get_serial_sequence(:name, 'id') AS regclass), :last, :used)")
    connection.execute(counting, {"name": one.name, "last": max(last, 1), "used": last > 0})


def _is_counted(number: Column[Any]) -> bool:
    return number.primary_key and isinstance(number.type, Integer) and number.table is not tables.send_epoch

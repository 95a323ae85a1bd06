"""Backups: a whole database as one moment saw it, in one sealed SQLite file, made while others work on it.

Of SQLite it is a copy of its pages; of PostgreSQL every row of every table, read in one transaction. Either can be restored into
either, and a database of an older version is backed up as it is.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, column, insert, inspect, select, table, text

from digest import __version__
from digest.errors import Refused, Unreachable, UsageError
from digest.store.copying import copy_file
from digest.store.database import Store, revision
from digest.store.migrations import HEAD, REVISIONS
from digest.store.seal import Seal, seal

_BUSY_SECONDS = 30
_ROWS_AT_ONCE = 5000
_NOTHING = "there is nothing to back up: there is no database yet"
_LARGE = {"report", "returned_mail", "issue_blocks", "issue_content"}
"""Whose rows may be of megabytes."""


def back_up(store: Store, file: Path, *, made_at: datetime, key_id: str) -> Seal:
    """Make a backup; it is there whole, or not at all. `UsageError` where the file is there already."""
    if file.is_dir():
        raise UsageError(f"{file}: is a folder; name a file in it")
    if file.exists():
        raise UsageError(f"{file}: is there already, and may be the one you need; name another file")
    try:
        handle, name = tempfile.mkstemp(prefix=f".{file.name}.", suffix=".new", dir=file.parent)
    except OSError as error:
        raise Unreachable(f"{file}: cannot be written: {error.strerror}; check the folder, its owner and mode") from error
    os.close(handle)
    new = Path(name)
    try:
        found, (people, issues) = _copy(store, new, file)
        kind = "sqlite" if store.path is not None else "postgresql"
        made = Seal(made_at.isoformat(timespec="seconds"), __version__, found, kind, people, issues, key_id)
        seal(new, made)
        new.rename(file)
        _make_durable(file.parent)
    except OSError as error:
        raise Unreachable(f"{file}: cannot be written: {error.strerror}; nothing was kept, make room and run it again") from error
    finally:
        for leftover in (new, *(new.with_name(new.name + end) for end in ("-wal", "-shm", "-journal"))):
            with suppress(OSError):
                leftover.unlink(missing_ok=True)
    return made


def _copy(store: Store, new: Path, file: Path) -> tuple[str, tuple[int, int]]:
    """The revision of what was copied, and how many people and issues it holds."""
    if store.path is not None and not store.path.exists():
        raise Refused(_NOTHING)
    with store.reading() as connection:
        found = revision(connection)
        if found is None:
            raise Refused(_NOTHING)
        if found not in REVISIONS:
            raise Refused(f"the database is at revision {found}, which this Digest does not know; back it up with the newer one")
        try:
            if store.path is not None:
                copy_file(store.path, new, _BUSY_SECONDS)
            else:
                _copy_rows(connection, new, found)
            return found, _settle(new)
        except sqlite3.DatabaseError as error:
            raise Unreachable(f"{file}: the backup was not made: {error}; nothing was kept") from error


def _copy_rows(source: Connection, new: Path, found: str) -> None:
    """Every row, into tables of the same revision."""
    from digest.store.migrations.upgrade import upgrade

    copy = Store(f"sqlite:///{new}", synchronous="OFF")
    try:
        if found == HEAD:
            copy.prepare()
        else:
            with copy.writing() as connection:
                upgrade(connection, found)
        with copy.writing() as connection:
            connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
            for name in inspect(connection).get_table_names():
                if name != "alembic_version":
                    _copy_table(source, connection, name)
    finally:
        copy.close()


def _copy_table(source: Connection, copy: Connection, name: str) -> None:
    """Values go over as the drivers give them: both kinds keep times, lists and JSON as text."""
    columns = [one["name"] for one in inspect(copy).get_columns(name)]
    plain = table(name, *(column(one) for one in columns))
    at_once = 10 if name in _LARGE else _ROWS_AT_ONCE
    for rows in source.execution_options(yield_per=at_once).execute(select(*plain.c)).partitions():
        copy.execute(insert(plain), [dict(zip(columns, row, strict=True)) for row in rows])
    if "id" in columns and (last := _last_number(source, name)):
        _remember_number(copy, name, last)


def _last_number(source: Connection, name: str) -> int | None:
    """The highest id that a table ever had, where a sequence knows it: whoever had it may be erased."""
    asked = text("SELECT pg_sequence_last_value(CAST(pg_get_serial_sequence(:name, 'id') AS regclass))")
    found = source.execute(asked, {"name": name}).scalar_one()
    return None if found is None else int(found)


def _remember_number(copy: Connection, name: str, last: int) -> None:
    kept = table("sqlite_sequence", column("name"), column("seq"))
    if not _has_numbers(copy, name):
        return
    copy.execute(kept.delete().where(kept.c.name == name))
    copy.execute(kept.insert().values(name=name, seq=last))


def _has_numbers(copy: Connection, name: str) -> bool:
    """Whether SQLite keeps the highest id of a table that ever was."""
    made = copy.execute(text("SELECT sql FROM sqlite_master WHERE type = 'table' AND name = :name"), {"name": name}).scalar_one()
    return "AUTOINCREMENT" in made


def _settle(new: Path) -> tuple[int, int]:
    """One file without a log beside it, and sound; returns how many people and issues are in it."""
    with closing(sqlite3.connect(new, timeout=_BUSY_SECONDS)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        # Not quick_check: SQLite 3.40's takes the key of a table without row numbers for missing.
        if connection.execute("PRAGMA integrity_check(1)").fetchone()[0] != "ok":
            raise Unreachable("the database is damaged, and a backup of it would be, too; restore an earlier one")
        people = connection.execute("SELECT count(*) FROM subscriber").fetchone()[0]
        return people, connection.execute("SELECT count(*) FROM issue").fetchone()[0]


def _make_durable(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

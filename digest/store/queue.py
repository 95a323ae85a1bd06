"""The queue's tables: procrastinate's own, in a PostgreSQL schema of their own beside Digest's, and which of its migrations they have.

procrastinate keeps no version of its tables; so `applied` lists the migrations by their files' names. A new queue is made
whole, an older one is brought on by what is missing, each migration in a transaction of its own, as procrastinate asks.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, text

from digest.errors import Refused, UsageError
from digest.store.database import Store

SCHEMA = "digest_jobs"
_WITH_ITS_TABLES = f"{SCHEMA},public"


def prepare_queue(store: Store) -> None:
    """Make the queue where there is none; refuse one that another version of procrastinate made."""
    migrations = _migrations()
    with store.reading() as connection:
        applied = _applied(connection)
    if applied is None:
        _make(store, migrations)
    elif missing := [name for name in migrations if name not in applied]:
        raise Refused(f"the queue lacks {len(missing)} of procrastinate's migrations; stop the workers and run `digest migrate`")
    else:
        _refuse_newer(applied, migrations)


def migrate_queue(store: Store, *, wanted: bool) -> int:
    """Bring the queue to what the installed procrastinate needs; returns how many migrations that were. Where there is none it is
    made when it is `wanted`."""
    if store.path is not None:
        return 0
    with store.reading() as connection:
        applied = _applied(connection)
    if applied is None:
        if wanted:
            _make(store, _migrations())
        return 0
    missing = {name: sql for name, sql in _migrations().items() if name not in applied}
    for name, sql in missing.items():
        with store.writing() as connection, at_its_tables(connection):
            _run(connection, sql)
            _note(connection, [name])
    return len(missing)


def queue_behind(store: Store, *, wanted: bool) -> int | None:
    """How many migrations the queue lacks; None where there is none and it is `wanted`. Refuses one of a newer procrastinate."""
    if store.path is not None:
        return 0
    with store.reading() as connection:
        applied = _applied(connection)
    if applied is None:
        return None if wanted else 0
    migrations = _migrations()
    _refuse_newer(applied, migrations)
    return sum(name not in applied for name in migrations)


@contextmanager
def at_its_tables(connection: Connection) -> Iterator[Any]:
    """Inside a transaction of ours, names mean the queue's tables first; gives the driver's connection."""
    set_path = text("SELECT set_config('search_path', :path, true)")
    before = connection.execute(text("SELECT current_setting('search_path')")).scalar_one()
    connection.execute(set_path, {"path": _WITH_ITS_TABLES})
    yield connection.connection.driver_connection
    connection.execute(set_path, {"path": before})


def empty_queue(connection: Connection) -> None:
    """No job waits any more, where there is a queue; one that is in hand ends by itself, as its worker must find it."""
    if _applied(connection) is not None:
        with at_its_tables(connection):
            connection.execute(text("DELETE FROM procrastinate_jobs WHERE status = 'todo'"))


def driver_url(store: Store) -> str:
    """The address of the queue for the driver itself, its password in it: for a connection, never for a person."""
    plain, theirs = store.url.set(drivername="postgresql"), store.url.normalized_query.get("options", ())
    options = " ".join((*theirs, f"-csearch_path={_WITH_ITS_TABLES}"))
    address, mark, query = plain.update_query_dict({"options": options}).render_as_string(hide_password=False).partition("?")
    return address + mark + query.replace("+", "%20")  # which the driver takes for a plus


def _make(store: Store, migrations: Mapping[str, str]) -> None:
    with store.writing() as connection:
        if _applied(connection) is not None:
            return  # another process was quicker
        # Not IF NOT EXISTS: who may not make a schema may not say that either, also where somebody has made it for them.
        there = text("SELECT count(*) FROM pg_catalog.pg_namespace WHERE nspname = :schema")
        if not connection.execute(there, {"schema": SCHEMA}).scalar_one():
            connection.execute(text(f"CREATE SCHEMA {SCHEMA}"))
        with at_its_tables(connection):
            _run(connection, _procrastinate("schema.sql").read_text(encoding="utf-8"))
            connection.execute(text("CREATE TABLE applied (migration text PRIMARY KEY)"))
            _note(connection, list(migrations))


def _applied(connection: Connection) -> set[str] | None:
    """Which migrations the queue has; None when there is no queue."""
    # A look into the catalogue itself: what `to_regclass` says may be from before the wait for our turn.
    there = text("SELECT count(*) FROM pg_catalog.pg_tables WHERE schemaname = :schema AND tablename = 'applied'")
    if not connection.execute(there, {"schema": SCHEMA}).scalar_one():
        return None
    with at_its_tables(connection):
        return set(connection.execute(text("SELECT migration FROM applied")).scalars())


def _refuse_newer(applied: set[str], migrations: Mapping[str, str]) -> None:
    if strange := applied - set(migrations):
        raise Refused(f"a newer procrastinate made the queue ({max(strange)}); install that one here too")


@cache
def _migrations() -> Mapping[str, str]:
    """Those of the installed procrastinate, in their order; read once, for workers ask every few seconds."""
    files = sorted(_procrastinate("migrations").glob("*.sql"))
    return MappingProxyType({file.name: file.read_text(encoding="utf-8") for file in files})


def _procrastinate(name: str) -> Path:
    try:
        import procrastinate
    except ModuleNotFoundError:
        raise UsageError("delivery.engine: workers need procrastinate; install digest-newsletter[postgres]") from None
    return Path(procrastinate.__file__).parent / "sql" / name


def _run(connection: Connection, sql: str) -> None:
    """A script of several statements, which the driver takes only without parameters."""
    driver: Any = connection.connection.driver_connection
    driver.execute(sql)


def _note(connection: Connection, names: list[str]) -> None:
    connection.execute(text("INSERT INTO applied VALUES (:name)"), [{"name": name} for name in names])

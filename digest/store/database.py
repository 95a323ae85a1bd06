"""Opening a database: one way for SQLite and for PostgreSQL, with clear errors."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from threading import Lock
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from digest.errors import Refused, UsageError
from digest.store.complaints import speaking_plainly
from digest.store.copying import copy_file, copy_rows
from digest.store.locking import advisory_lock, await_turn, file_lock, no_senders
from digest.store.migrations import HEAD, REVISIONS
from digest.store.prepared import execute
from digest.store.tables import metadata

_BUSY_SECONDS = 30
_KEYS = "digest_keys"
# At most so many connections: one for each thread of the pages, and some for a run, its lock and letters beside them.
_POOL: dict[str, Any] = {"pool_size": 12, "max_overflow": 8, "pool_timeout": 10}
_BEGIN_WRITING = "BEGIN IMMEDIATE"
_CACHE = "PRAGMA cache_size = -{}"
_CACHE_SIZE = 8192  # KB: up to 128 MB nothing is faster, with a million subscribers; with less a plan is slower
_STEPS_CACHE = 4096  # KB: the steps of sending look at each reader once, and a small cache is faster than a large one
# What one read after another sees of PostgreSQL; SQLite's transactions are so by themselves.
_SNAPSHOT: dict[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


class Store:
    """A database, opened. Reading sees one consistent state; writing is one transaction, and nobody else writes meanwhile.

    The one exception, on PostgreSQL alone: the steps of sending (`together`) wait for every other writer and not for one
    another. What two of them may not both do, a compare-and-set or a lock of a row decides.
    """

    def __init__(self, url: str, *, synchronous: str = "FULL", keys: Sequence[bytes] = ()) -> None:
        self.url = _parse(url)
        self.keys = tuple(keys)
        """By which addresses of erased people are known, the one of now first; every connection has them (`keys_of`)."""
        self._engine = _engine(self.url, synchronous).execution_options(**{_KEYS: self.keys})
        self._alone = self._engine.execution_options(digest_writes="alone")
        self._together = self._engine.execution_options(digest_writes="together")
        self._reading = self._engine if _is_sqlite(self.url) else self._engine.execution_options(**_SNAPSHOT)
        self._turn = Lock()  # where only one may write, whoever waits in this process is next: SQLite itself only tries again
        self._kept: Connection | None = None  # between the steps of sending, which follow one another by the thousand
        self.lock: int | None = None
        """The handle of the run lock, while it is held and a file's: whichever process is given it holds the lock too."""
        self.path = Path(self.url.database) if _is_sqlite(self.url) and self.url.database else None
        """The file of an SQLite database; None for every other store."""

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads."""
        with speaking_plainly(self.url), self._reading.connect() as connection:
            yield connection

    @contextmanager
    def writing(self, *, together: bool = False) -> Iterator[Connection]:
        """A transaction that is committed when the block ends well and leaves nothing when it does not.

        When `Unreachable` comes from the commit itself, nobody knows which of the two it was.
        """
        if not together:
            self._let_go()  # whoever comes after the steps of sending goes on with their connection
        with speaking_plainly(self.url), self._in_turn(), self._step() if together else self._alone.begin() as connection:
            yield connection

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        """One writer of this process at a time, for SQLite."""
        if self.path is None:
            yield
            return
        if not self._turn.acquire(timeout=_BUSY_SECONDS):
            raise sqlite3.OperationalError("database is locked")
        try:
            yield
        finally:
            self._turn.release()

    @contextmanager
    def _step(self) -> Iterator[Connection]:
        """One step of sending, on the connection of the one before."""
        kept, self._kept = self._kept, None
        connection = kept or self._connect_for_steps()
        try:
            if self.path is None:
                with connection.begin():
                    yield connection
            else:
                execute(connection, _BEGIN_WRITING)
                yield connection
                connection.dialect.do_commit(connection.connection)
        except BaseException:
            self._give_back(connection)
            raise
        self._keep(connection)

    def _connect_for_steps(self) -> Connection:
        """For SQLite one transaction of SQLAlchemy's for all of them, which does nothing: to begin and end one takes it as long as SQLite takes."""
        connection = self._together.connect()
        if self.path is not None:
            try:
                execute(connection, _CACHE.format(_STEPS_CACHE))
                connection.begin()
            except BaseException:
                connection.close()
                raise
        return connection

    def _give_back(self, connection: Connection) -> None:
        """To the pool, as it was."""
        if self.path is not None:
            with suppress(SQLAlchemyError):
                execute(connection, _CACHE.format(_CACHE_SIZE))
        connection.close()

    def _let_go(self) -> None:
        kept, self._kept = self._kept, None
        if kept is not None:
            self._give_back(kept)

    def _keep(self, connection: Connection) -> None:
        """For the next step, unless another one went on meanwhile and has left its own."""
        if self._kept is None:
            self._kept = connection
        else:
            self._give_back(connection)

    def close(self) -> None:
        """Let every connection go; SQLite then folds its write-ahead log into the file."""
        self._let_go()
        self._engine.dispose()

    def prepare(self) -> None:
        """Create the tables of a new database; refuse one that another version of Digest made."""
        found = self._recognised()
        if found is None:
            self._create()
        elif found != HEAD:
            raise Refused(f"the database is at revision {found} and this Digest wants {HEAD}; run `digest migrate` first")

    def _recognised(self) -> str | None:
        """The revision of this database, None when it is empty; refuses one that is not Digest's, or a newer Digest's."""
        with self.reading() as connection:
            found = revision(connection)
            strange = found is None and inspect(connection).get_table_names()
        if strange:
            raise UsageError(
                f"database.url: {self.url.render_as_string()} holds tables that are not Digest's; name another database"
            )
        if found is not None and found not in REVISIONS:
            raise Refused(
                f"the database is at revision {found}, which this Digest does not know; install the newer one that made it"
            )
        return found

    def _create(self) -> None:
        """The tables of a new database, as every migration in turn would make them (a test compares), without loading Alembic."""
        with self.writing() as connection:
            if revision(connection) is not None:
                return  # another process was quicker
            metadata.create_all(connection)
            connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
            connection.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": HEAD})

    def outdated(self) -> str | None:
        """The revision of a database that `migrate` would change; None where there is nothing to do, or no table yet."""
        found = None if self.path is not None and not self.path.exists() else self._recognised()
        return None if found in {None, HEAD} else found

    def migrate(self) -> str:
        """Bring the tables to this version's revision, and return it."""
        from digest.store.migrations.upgrade import upgrade

        self._recognised()
        with self.writing() as connection:
            upgrade(connection)
        return HEAD

    @contextmanager
    def scratch(self) -> Iterator[Store]:
        """A copy of this store that may be written to and is thrown away: where every dry run happens."""
        with tempfile.TemporaryDirectory(prefix="digest-dry-run-") as folder:
            copy = Path(folder) / "scratch.db"
            if self.path is not None:
                with speaking_plainly(self.url):
                    copy_file(self.path, copy, _BUSY_SECONDS)
            store = Store(f"sqlite:///{copy}", synchronous="OFF", keys=self.keys)
            try:
                store.prepare()
                if self.path is None:
                    self._copy_rows(store)
                yield store
            finally:
                store.close()

    @contextmanager
    def run_lock(self) -> Iterator[None]:
        """Held while sending; raises `Busy` when another process sends from this database."""
        with speaking_plainly(self.url), file_lock(self.path) if self.path else advisory_lock(self._engine) as self.lock:
            try:
                yield
            finally:
                self.lock = None

    @contextmanager
    def nobody_sends(self) -> Iterator[None]:
        """The run lock, and no worker's engine at work either; raises `Busy` when anybody sends from this database."""
        with self.run_lock(), nullcontext() if self.path else no_senders(self._engine):
            yield

    @contextmanager
    def apart(self) -> Iterator[Connection]:
        """A session of its own, without transactions; what it holds of a server is let go when this process dies."""
        with speaking_plainly(self.url), self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as session:
            session.detach()  # not the pool's any more: it ends with the block
            yield session

    def _copy_rows(self, store: Store) -> None:
        with self.reading() as connection:
            found = revision(connection)
        if found is not None:
            with speaking_plainly(self.url), store.writing() as connection:
                copy_rows(self._engine, connection)


def keys_of(connection: Connection) -> tuple[bytes, ...]:
    """The keys that the store of a connection was opened with."""
    keys: tuple[bytes, ...] = connection.get_execution_options().get(_KEYS, ())
    return keys


def revision(connection: Connection) -> str | None:
    """The schema revision of a database; None when it holds no Digest tables."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
        parsed.get_dialect()
    except (ArgumentError, NoSuchModuleError, ValueError):
        raise UsageError("database.url is not an SQLAlchemy URL: write sqlite:///digest.db or postgresql+psycopg://…") from None
    if _is_sqlite(parsed) and parsed.database in {None, "", ":memory:"}:
        raise UsageError(
            "database.url names no file, and what is kept in memory is lost with the process: write sqlite:///digest.db"
        )
    return parsed


def _is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


def _engine(url: URL, synchronous: str) -> Engine:
    if not _is_sqlite(url):
        return _postgresql(url)
    # The connection that was given back last is taken next: each keeps a cache of its own.
    engine = create_engine(url, connect_args={"timeout": _BUSY_SECONDS}, pool_use_lifo=True, **_POOL)
    event.listen(engine, "connect", _configure(synchronous))
    event.listen(engine, "begin", _begin)
    return engine


def _postgresql(url: URL) -> Engine:
    """Each statement sees what was committed before it began, whatever the server's default: after a wait for its turn, a
    transaction sees what those before it did."""
    try:
        engine = create_engine(url, isolation_level="READ COMMITTED", **_POOL)
    except ModuleNotFoundError as error:
        raise UsageError(
            f"database.url needs the module {error.name}, which is not installed:"
            " write postgresql+psycopg://… and install digest-newsletter[postgres]"
        ) from None
    event.listen(engine, "begin", await_turn)
    return engine


def _configure(synchronous: str) -> Any:
    def configure(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None  # transactions begin where SQLAlchemy says so, not where sqlite3 guesses
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(_CACHE.format(_CACHE_SIZE))

    return configure


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("digest_writes")
    if writes != "together":  # a step begins by itself
        execute(connection, _BEGIN_WRITING if writes else "BEGIN")

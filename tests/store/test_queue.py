"""The queue's tables: made once, brought on by what is missing, refused when another procrastinate made them."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import inspect, text

from digest.delivery.jobs import hint
from digest.errors import Refused
from digest.store.database import Store
from digest.store.queue import SCHEMA, at_its_tables, driver_url, migrate_queue, prepare_queue
from tests.databases import Databases, Server


@pytest.fixture
def store(tmp_path: Path, postgresql: Server, database: Databases) -> Iterator[Store]:
    made = Store(database.url(tmp_path))
    yield made
    made.close()


def run(store: Store, statement: str) -> list[object]:
    with store.writing() as connection:
        found = connection.execute(text(statement))
        return [*found.scalars()] if found.returns_rows else []


def test_several_processes_make_it_once_and_digest_s_own_tables_are_as_they_were(store: Store) -> None:
    with store.reading() as connection:
        before = inspect(connection).get_table_names()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: prepare_queue(store), range(4)))
    with store.writing() as connection:
        assert inspect(connection).get_table_names() == before
        hint(connection, 1, 3)
        assert connection.execute(text(f"SELECT count(*) FROM {SCHEMA}.procrastinate_jobs")).scalar_one() == 3
        assert connection.execute(text("SELECT current_setting('search_path')")).scalar_one() == '"$user", public'


def test_one_that_an_older_procrastinate_made_is_refused_until_it_is_migrated(store: Store) -> None:
    prepare_queue(store)
    last = "03.04.00_50_post_add_retry_failed_job_procedure.sql"
    assert last in run(store, f"SELECT migration FROM {SCHEMA}.applied")
    run(store, f"DELETE FROM {SCHEMA}.applied WHERE migration = '{last}'")
    with pytest.raises(Refused, match="lacks 1 of procrastinate's migrations; stop the workers and run `digest migrate`"):
        prepare_queue(store)
    assert migrate_queue(store, wanted=False) == 1
    prepare_queue(store)


def test_one_that_a_newer_procrastinate_made_is_refused(store: Store) -> None:
    prepare_queue(store)
    run(store, f"INSERT INTO {SCHEMA}.applied VALUES ('99.00.00_01_more.sql')")
    with pytest.raises(Refused, match=r"a newer procrastinate made the queue \(99"):
        prepare_queue(store)


def test_migrating_makes_it_where_it_is_wanted_alone(store: Store) -> None:
    assert migrate_queue(store, wanted=False) == 0
    assert run(store, f"SELECT 1 FROM pg_namespace WHERE nspname = '{SCHEMA}'") == []
    assert migrate_queue(store, wanted=True) == 0
    assert run(store, f"SELECT 1 FROM pg_namespace WHERE nspname = '{SCHEMA}'") == [1]


def test_jobs_of_a_transaction_that_fails_were_never_there(store: Store) -> None:
    prepare_queue(store)
    with suppress(RuntimeError), store.writing() as connection:
        hint(connection, 1, 2)
        raise RuntimeError
    with store.writing() as connection, at_its_tables(connection):
        assert connection.execute(text("SELECT count(*) FROM procrastinate_jobs")).scalar_one() == 0


def test_what_a_person_has_the_server_told_holds_for_the_queue_too(
    tmp_path: Path, postgresql: Server, database: Databases
) -> None:
    theirs = "-c%20statement_timeout%3D12345%20-c%20application_name%3Da%2Bb"
    with closing(Store(f"{database.url(tmp_path)}&options={theirs}")) as store, psycopg.connect(driver_url(store)) as connection:
        for name, value in (("statement_timeout", "12345ms"), ("application_name", "a+b"), ("search_path", f"{SCHEMA},public")):
            assert connection.execute(f"SHOW {name}".encode()).fetchone() == (value,)


def test_it_is_made_in_a_schema_that_was_made_for_who_may_make_none(
    store: Store, postgresql: Server, database: Databases
) -> None:
    postgresql.sql("CREATE ROLE sender LOGIN")
    try:
        run(store, f"CREATE SCHEMA {SCHEMA} AUTHORIZATION sender")
        theirs = Store(postgresql.url(database.made[-1]).replace("postgres@", "sender@"))
        with closing(theirs):
            prepare_queue(theirs)
            assert run(theirs, f"SELECT count(*) > 0 FROM {SCHEMA}.applied") == [True]
    finally:
        run(store, "DROP OWNED BY sender CASCADE")
        postgresql.sql("DROP ROLE sender")


def test_what_procrastinate_ships_is_read_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare_queue(store)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_text", None)
        prepare_queue(store)

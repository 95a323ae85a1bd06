"""Opening, copying, locking and migrating a database; and what is said when it cannot be."""

from __future__ import annotations

import hashlib
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, insert, inspect, make_url, select, text
from sqlalchemy.exc import IntegrityError

from digest.errors import Busy, Refused, Unreachable, UsageError
from digest.issues.issue import find_issue
from digest.store import tables
from digest.store.complaints import speaking_plainly
from digest.store.database import Store, revision
from digest.store.migrations import HEAD, REVISIONS
from digest.store.migrations.upgrade import alembic_config
from digest.store.tables import metadata, subscriber
from tests.databases import Databases, eventually

NOW = datetime(2026, 11, 23, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path, database: Databases) -> Iterator[Store]:
    made = Store(database.url(tmp_path, prepared=False))
    made.prepare()
    yield made
    made.close()


def again(store: Store) -> Store:
    """The same database, as another process opens it."""
    return Store(address(store))


def address(store: Store) -> str:
    return store.url.render_as_string(hide_password=False)


def hashes(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def add(store: Store, email: str) -> None:
    with store.writing() as connection:
        connection.execute(insert(subscriber).values(email=email, address=email, created_at=NOW))


@pytest.mark.sqlite  # the file, byte by byte
def test_a_scratch_copy_can_be_written_to_and_leaves_file_and_folder_to_the_byte(store: Store, tmp_path: Path) -> None:
    add(store, "ann@x.example")
    store.close()
    before = hashes(tmp_path)
    with store.scratch() as scratch:
        add(scratch, "bob@x.example")
        with scratch.reading() as connection:
            assert len(connection.execute(select(subscriber)).all()) == 2
    assert hashes(tmp_path) == before


@pytest.mark.sqlite  # its write-ahead log
def test_a_scratch_copy_beside_a_running_process_holds_what_it_committed(store: Store, tmp_path: Path) -> None:
    add(store, "ann@x.example")
    assert (tmp_path / "digest.db-wal").exists()
    main = hashlib.sha256((tmp_path / "digest.db").read_bytes()).hexdigest()
    with store.scratch() as scratch, scratch.reading() as connection:
        assert connection.execute(select(subscriber.c.email)).scalars().all() == ["ann@x.example"]
    assert hashlib.sha256((tmp_path / "digest.db").read_bytes()).hexdigest() == main


@pytest.mark.sqlite  # its write-ahead log
def test_a_scratch_copy_of_what_a_crash_has_left_leaves_the_log_to_the_byte(store: Store, tmp_path: Path) -> None:
    add(store, "ann@x.example")
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    for name in ("digest.db", "digest.db-wal"):
        (crashed / name).write_bytes((tmp_path / name).read_bytes())
    before = hashes(crashed)
    left = Store(f"sqlite:///{crashed / 'digest.db'}")
    with left.scratch() as scratch, scratch.reading() as connection:
        assert connection.execute(select(subscriber.c.email)).scalars().all() == ["ann@x.example"]
    left.close()
    after = hashes(crashed)
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) <= {"digest.db-shm"}  # SQLite's own index of the log: a reader needs it, and nothing is in it


def test_a_database_that_somebody_else_writes_to_for_too_long_says_so(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digest.store.database._BUSY_SECONDS", 0)
    monkeypatch.setattr("digest.store.locking._PATIENCE_SECONDS", 1)
    other = again(store)
    with store.writing(), pytest.raises(Unreachable, match="another process holds it; nothing was lost") as said, other.writing():
        pass
    assert "\n" not in str(said.value)
    other.close()


@pytest.mark.sqlite  # a bound on the size of its file
def test_case_30_a_disk_that_is_full_is_one_clear_line_and_loses_nothing(store: Store) -> None:
    person = {"email": "a@x.example", "address": "a@x.example", "created_at": NOW}
    more = [{**person, "email": f"{number}@x.example", "address": f"{number}@x.example"} for number in range(5000)]
    with store.writing() as connection:
        connection.execute(insert(subscriber).values(person))

    def fill() -> None:
        with store.writing() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
            connection.execute(insert(subscriber), more)

    with pytest.raises(Unreachable, match="the disk is full; nothing was lost, make room and run again") as said:
        fill()
    assert "\n" not in str(said.value)
    with store.reading() as connection:
        assert connection.execute(select(subscriber.c.email)).scalars().all() == ["a@x.example"]


def test_a_disk_that_fails_is_one_clear_line() -> None:
    with (
        pytest.raises(Unreachable, match="the disk is full, over a quota, or failing; nothing was lost"),
        speaking_plainly(make_url("sqlite:///a")),
    ):
        raise sqlite3.OperationalError("disk I/O error")


def test_what_fails_inside_a_transaction_leaves_nothing(store: Store) -> None:
    class Oops(Exception):
        pass

    def fail() -> None:
        with store.writing() as connection:
            connection.execute(insert(subscriber).values(email="a@x.example", address="a@x.example", created_at=NOW))
            raise Oops

    with pytest.raises(Oops):
        fail()
    with store.reading() as connection:
        assert connection.execute(select(subscriber)).all() == []


def _cache(connection: Connection) -> tuple[int, int]:
    """Its size, and which connection it is."""
    return connection.execute(text("PRAGMA cache_size")).scalar_one(), id(connection.connection.driver_connection)


@pytest.mark.sqlite  # which alone has a cache of ours
def test_the_steps_of_sending_have_a_small_cache_and_leave_their_connection_as_it_was(store: Store) -> None:
    with store.writing(together=True) as connection:
        small, first = _cache(connection)
    with store.writing(together=True) as connection:
        assert _cache(connection) == (small, first)
    with store.writing() as connection:
        large, second = _cache(connection)
    assert (second, large < small) == (first, True)  # negative: kilobytes
    with pytest.raises(ZeroDivisionError), store.writing(together=True):
        raise ZeroDivisionError
    with store.reading() as connection:
        assert _cache(connection)[0] == large


def test_a_file_that_is_no_database_a_missing_folder_and_a_strange_database_are_one_line_each(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("not a database at all, but a long enough text to be looked at", encoding="utf-8")
    with pytest.raises(Unreachable, match="the file is something else"):
        Store(f"sqlite:///{tmp_path / 'text.db'}").prepare()
    with pytest.raises(Unreachable, match="the folder is missing"):
        Store(f"sqlite:///{tmp_path / 'nowhere' / 'digest.db'}").prepare()
    with sqlite3.connect(tmp_path / "other.db") as other:
        other.execute("CREATE TABLE things (x)")
    other.close()
    with pytest.raises(UsageError, match="tables that are not Digest's"):
        Store(f"sqlite:///{tmp_path / 'other.db'}").prepare()
    for memory in ("sqlite://", "sqlite:///:memory:"):
        with pytest.raises(UsageError, match="names no file"):
            Store(memory)
    with pytest.raises(UsageError, match="not an SQLAlchemy URL"):
        Store("digest.db")


def test_a_database_of_another_revision_is_refused(store: Store) -> None:
    with store.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    with pytest.raises(Refused, match="run `digest migrate` first"):
        store.prepare()


def test_a_database_that_a_newer_digest_made_is_left_alone_by_migrate_too(store: Store) -> None:
    with store.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    for look in (store.prepare, store.migrate):
        with pytest.raises(Refused, match="revision 9999, which this Digest does not know; install the newer one"):
            look()
    with store.reading() as connection:
        assert revision(connection) == "9999"


@pytest.mark.parametrize(
    ("said", "advice"),
    [("disk I/O error", "the disk is full, over a quota, or failing"), ("something new", "something new; check database.url")],
)
def test_what_sqlite_complains_of_is_one_line_that_speaks_of_no_server(said: str, advice: str) -> None:
    with pytest.raises(Unreachable) as raised, speaking_plainly(make_url("sqlite:///digest.db")):
        raise sqlite3.OperationalError(said)
    assert advice in str(raised.value)
    assert "server" not in str(raised.value)


def test_migrate_adds_no_tables_to_what_is_not_ours(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "other.db")
    with other:
        other.execute("CREATE TABLE things (x)")
    other.close()
    with pytest.raises(UsageError, match="tables that are not Digest's"):
        Store(f"sqlite:///{tmp_path / 'other.db'}").migrate()


def described(connection: Connection) -> dict[str, Any]:
    """Every table with its columns, keys, constraints and indexes, as the database knows them."""
    look = inspect(connection)
    return {
        table: {
            "columns": sorted((one["name"], repr(one["type"]), one["nullable"]) for one in look.get_columns(table)),
            "key": look.get_pk_constraint(table)["constrained_columns"],
            "indexes": sorted((one["name"] or "", one["column_names"]) for one in look.get_indexes(table)),
            "unique": sorted(one["column_names"] for one in look.get_unique_constraints(table)),
            "checked": sorted(one["name"] or "" for one in look.get_check_constraints(table)),
            "points at": sorted((one["constrained_columns"], one["referred_table"]) for one in look.get_foreign_keys(table)),
        }
        for table in look.get_table_names()
    }


def without_row_numbers(connection: Connection) -> set[str]:
    """The tables of an SQLite database that stand in the order of their key; none elsewhere."""
    if connection.dialect.name != "sqlite":
        return set()
    return set(connection.execute(text("SELECT name FROM sqlite_master WHERE sql LIKE '%WITHOUT ROWID%'")).scalars())


def test_migrations_make_exactly_the_tables_of_a_new_database(store: Store, tmp_path: Path, database: Databases) -> None:
    (tmp_path / "migrated").mkdir()
    migrated = Store(database.url(tmp_path / "migrated", prepared=False))
    assert migrated.migrate() == HEAD
    migrated.prepare()
    with migrated.reading() as connection, store.reading() as fresh:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
        assert described(connection) == described(fresh)
        assert without_row_numbers(connection) == without_row_numbers(fresh)
        assert set(described(fresh)) == {*metadata.tables, "alembic_version"}
        scripts = ScriptDirectory.from_config(alembic_config(connection))
        assert scripts.get_current_head() == HEAD
        assert tuple(script.revision for script in scripts.walk_revisions())[::-1] == REVISIONS
    migrated.close()


def test_a_database_of_the_first_revision_keeps_what_it_holds(tmp_path: Path, database: Databases) -> None:
    old = Store(database.url(tmp_path, prepared=False))
    with old.writing() as connection:
        command.upgrade(alembic_config(connection), "0001")
        connection.exec_driver_sql(
            "INSERT INTO issue (newsletter, number, frequency, slot, slot_at, state, cutoff, frozen_at, revision, subject,"
            " content_hash) VALUES ('weekly', 1, 'weekly', '2026-11-23T09:00', '2026-11-23T09:00:00.000000+00:00', 'draft', 3,"
            " '2026-11-23T09:00:00.000000+00:00', 1, 'One', 'abc')"
        )
        connection.exec_driver_sql(
            "INSERT INTO delivery (issue_id, subscriber_id, group_number, rendition, state, attempts, answer)"
            " VALUES (1, 7, 2, 5, 'unknown', 1, 'no answer'), (1, 3, 2, 5, 'accepted', 2, NULL), (1, 9, 1, NULL, 'skipped', 0, NULL)"
        )
    with pytest.raises(Refused, match="run `digest migrate` first"):
        old.prepare()
    old.migrate()
    old.prepare()
    with old.reading() as connection:
        issue = find_issue(connection, "weekly/1")
        assert (issue.subject, issue.sub_revision, issue.audience_confirmed) == ("One", 0, None)
        row = tables.delivery.c
        columns = (row.subscriber_id, row.group_number, row.rendition, row.state, row.attempts, row.answer, row.returned)
        kept = connection.execute(select(*columns).order_by(row.subscriber_id)).all()
        assert [tuple(one) for one in kept] == [
            (3, 2, 5, "accepted", 2, None, False),
            (7, 2, 5, "unknown", 1, "no answer", False),
            (9, 1, None, "skipped", 0, None, False),
        ]
    old.close()


def test_a_database_of_any_revision_that_there_was_becomes_one_of_today_and_keeps_its_people(
    tmp_path: Path, database: Databases
) -> None:
    """One that lived through all of them: at each it got somebody, and the way from there is the rest of its way."""
    old = Store(database.url(tmp_path, prepared=False))
    for number, at in enumerate(REVISIONS):
        with old.writing() as connection:
            command.upgrade(alembic_config(connection), at)
            who = {"email": f"{number}@x.example", "at": "2026-11-23T09:00:00.000000+00:00"}
            connection.execute(text("INSERT INTO subscriber (email, address, created_at) VALUES (:email, :email, :at)"), who)
            connection.execute(
                text(
                    "INSERT INTO subscription (subscriber_id, newsletter, topics, frequency, state, coverage, owed, created_at)"
                    " SELECT id, 'weekly', '*', 'weekly', 'active', 0, '', created_at FROM subscriber WHERE email = :email"
                ),
                who,
            )
        assert old.outdated() == (None if at == HEAD else at)
    with old.reading() as connection:
        row = tables.subscription.c
        assert connection.execute(select(row.id, row.subscriber_id, row.state).order_by(row.id)).all() == [
            (number, number, "active") for number in range(1, len(REVISIONS) + 1)
        ]
    old.close()


EVERY_COLUMN = (
    "issue_id, subscriber_id, group_number, rendition, state, batch_id, attempts, not_before, answer, reported, returned"
)


def test_deliveries_that_are_written_anew_keep_every_column(tmp_path: Path, database: Databases) -> None:
    retry_at = "2026-11-23T09:20:00.000001+00:00"
    rows = [
        (1, 3, 2, 5, "accepted", 11, 2, None, "250 ok", "complained", False),
        (1, 4, 2, 5, "deferred", 12, 1, retry_at, "451 later", None, False),
        (1, 7, 2, 5, "rejected", 12, 1, None, "550 no", "bounced", True),
        (1, 8, 3, 4, "planned", None, 0, retry_at, None, None, False),
        (1, 9, 1, None, "skipped", None, 0, None, None, None, False),
        (2, 3, 1, 1, "sending", 13, 1, None, None, "delivered", False),
    ]
    old = Store(database.url(tmp_path, prepared=False))
    with old.writing() as connection:
        command.upgrade(alembic_config(connection), "0004")
        places = ", ".join(f":{name}" for name in EVERY_COLUMN.split(", "))
        for row in rows:
            values = dict(zip(EVERY_COLUMN.split(", "), row, strict=True))
            connection.execute(text(f"INSERT INTO delivery ({EVERY_COLUMN}) VALUES ({places})"), values)
    old.migrate()
    with old.reading() as connection:
        held = {column["name"] for column in inspect(connection).get_columns("delivery")}
        assert held == set(EVERY_COLUMN.split(", "))
        kept = connection.execute(text(f"SELECT {EVERY_COLUMN} FROM delivery ORDER BY issue_id, subscriber_id")).all()
        assert [tuple(one) for one in kept] == rows
    old.prepare()
    old.close()


def test_events_that_are_written_anew_keep_what_they_say_and_are_still_told_from_repetitions(
    tmp_path: Path, database: Databases
) -> None:
    columns = (
        "issue_id, subscriber_id, attempt, kind, occurred_at, provider, provider_message_id, reason, article_id, received_at"
    )
    at = "2026-11-23T09:20:00.000000+00:00"
    rows = [
        (1, 3, 1, "clicked", at, "sendgrid", "m", None, 7, at),
        (1, 3, 0, "bounced", at, "sendgrid", "m", "bounced: 550", None, at),
    ]
    old = Store(database.url(tmp_path, prepared=False))
    with old.writing() as connection:
        command.upgrade(alembic_config(connection), "0012")
        places = ", ".join(f":{name}" for name in columns.split(", "))
        for row in rows:
            connection.execute(
                text(f"INSERT INTO event ({columns}) VALUES ({places})"), dict(zip(columns.split(", "), row, strict=True))
            )
    old.migrate()
    with old.reading() as connection:
        kept = connection.execute(text(f"SELECT {columns}, link, machine, report_id FROM event ORDER BY id")).all()
        assert [tuple(one) for one in kept] == [(*row, "", False, None) for row in rows]
    again = {"subscriber_id": 3, "kind": "bounced", "occurred_at": datetime.fromisoformat(at), "provider_message_id": "m"}
    rest = {"issue_id": 1, "attempt": 0, "provider": "sendgrid", "received_at": NOW}
    with pytest.raises(IntegrityError), old.writing() as connection:
        connection.execute(insert(tables.event).values(again | rest))
    old.prepare()
    old.close()


def can_lock(store: Store) -> bool:
    try:
        with store.run_lock():
            return True
    except Busy:
        return False


def test_the_run_lock_is_held_by_one_and_freed_by_death(store: Store) -> None:
    script = (
        "import sys, time; from digest.store.database import Store\n"
        f"with Store({address(store)!r}).run_lock(): print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(Busy), store.run_lock():
            pass
        other.kill()
        other.wait()
    eventually(lambda: can_lock(store))  # a server hears of a death a moment later


def test_two_processes_that_find_an_empty_database_make_its_tables_once(tmp_path: Path, database: Databases) -> None:
    stores = [Store(database.url(tmp_path, prepared=False))]
    stores.append(again(stores[0]))
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(Store.prepare, stores)) == [None, None]
    with stores[0].reading() as connection:
        assert revision(connection) == HEAD
    for store in stores:
        store.close()


def test_what_one_read_after_another_sees_is_one_state(store: Store) -> None:
    other = again(store)
    with store.reading() as connection:
        assert connection.execute(select(subscriber)).all() == []
        add(other, "ann@x.example")
        assert connection.execute(select(subscriber)).all() == []
    with store.reading() as connection:
        assert len(connection.execute(select(subscriber)).all()) == 1
    other.close()


def test_a_process_with_more_work_than_connections_says_so(tmp_path: Path) -> None:
    """Of the pages' threads none is meant to wait for a connection; where one does, it is told to come again."""
    store = Store(f"sqlite:///{tmp_path / 'a.db'}")
    store.prepare()
    with mock.patch.object(store._reading.pool, "_timeout", 0.01), ExitStack() as held:
        for _ in range(20):
            held.enter_context(store.reading())
        with pytest.raises(Unreachable, match="every connection of this process is in use"), store.reading():
            pass
    with store.reading():
        pass
    store.close()

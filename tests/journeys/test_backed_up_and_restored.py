"""Backups and what becomes of them: restored over what is newer, on another machine, twice, damaged. Nothing goes out by itself."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, text

from digest.app.restoring import backup
from digest.app.running import run
from digest.store import tables
from digest.store.database import Store
from digest.store.migrations import HEAD
from digest.store.migrations.upgrade import upgrade
from digest.store.seal import Seal, seal
from digest.store.tables import metadata
from tests.databases import Databases, Server, fresh_database
from tests.journeys.project import BEGAN, MONDAY, WEEK, Project, Said, a_project, article

NEXT = MONDAY + WEEK
LATER = timedelta(hours=1)
READERS = ("ann@x.example", "bob@x.example")


@pytest.fixture
def project(project: Project) -> Project:
    for reader in READERS:
        project.join(reader)
    project.offer(article("a"))
    return project


def backed_up(project: Project, name: str = "kept.backup") -> Path:
    got = project.command("backup", name)
    assert got.returncode == 0, got.stderr
    return project.folder / name


def restored(project: Project, file: Path, *options: str, code: int = 0) -> Said:
    got = project.command("restore", str(file), *options)
    assert got.returncode == code, got
    return got


def elsewhere(project: Project, folder: Path) -> Project:
    """The same configuration and secrets on another machine, with an empty database of the same kind."""
    folder.mkdir()
    for part in ("config", "templates"):
        if (project.folder / part).exists():
            (folder / part).mkdir()
            for file in (project.folder / part).iterdir():
                if file.is_file():
                    (folder / part / file.name).write_bytes(file.read_bytes())
    for name in (".env", "articles.json"):
        (folder / name).write_bytes((project.folder / name).read_bytes())
    url = fresh_database(folder, prepared=False)
    return replace(project, folder=folder, environment=project.environment | {"DIGEST_DATABASE__URL": url})


def confirm(project: Project, **environment: str) -> None:
    assert project.command("doctor", "--offline", "--confirm-epoch", **environment).returncode == 0


def rows(store: Store) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that a database holds, but for its send epoch, which tells one from the other."""
    with store.reading() as connection:
        return {
            one.name: sorted((tuple(row) for row in connection.execute(select(*one.columns))), key=repr)
            for one in metadata.sorted_tables
            if one.name != "send_epoch"
        }


def arrived(project: Project) -> Counter[str]:
    return Counter(one.rcpt_to for one in project.sink.arrived if one.accepted)


def test_what_is_restored_into_an_empty_database_sends_nothing_until_a_person_says_so(project: Project, tmp_path: Path) -> None:
    assert project.code(MONDAY) == 0
    file = backed_up(project)
    other = elsewhere(project, tmp_path / "other")
    said = restored(other, file)
    assert "2 subscribers and 1 issues" in said.stdout
    assert "nothing is sent until a person says" in said.stdout
    with project.app() as app, other.app() as again:
        assert rows(app.store) == rows(again.store)
    other.offer(article("a"), article("b", at=MONDAY))
    got = other.command("run", "--now", NEXT.isoformat())
    assert (got.returncode, "was restored from a backup" in got.stdout) == (3, True)
    assert sum(arrived(project).values()) == 2
    confirm(other)
    assert other.code(NEXT + LATER) == 0
    assert project.everything_read(READERS[0]) == {"a": 1, "b": 1}


def test_over_a_newer_database_it_is_refused_and_with_replace_the_newer_one_is_kept(project: Project) -> None:
    file = backed_up(project)
    assert project.code(MONDAY) == 0
    refused = restored(project, file, code=3)
    assert "--replace" in refused.stderr
    assert project.account("weekly/1") == {"accepted": 2}
    said = restored(project, file, "--replace")
    assert "who unsubscribed since the backup is known there alone" in said.stdout
    assert project.issues() == []
    assert project.code(MONDAY + LATER) == 3
    assert sum(arrived(project).values()) == 2
    (newer,) = project.folder.glob("before-restore-*.backup")
    restored(project, newer, "--replace")
    assert project.account("weekly/1") == {"accepted": 2}
    confirm(project)
    assert project.code(MONDAY + LATER) == 0
    assert arrived(project) == {READERS[0]: 1, READERS[1]: 1}  # as if nothing had been


def test_a_clone_on_a_second_machine_sends_nothing_while_the_first_goes_on(project: Project, tmp_path: Path) -> None:
    assert project.code(MONDAY) == 0
    clone = elsewhere(project, tmp_path / "clone")
    restored(clone, backed_up(project))
    for one in (project, clone):
        one.offer(article("a"), article("b", at=MONDAY))
    assert clone.code(NEXT) == 3
    assert project.code(NEXT) == 0
    assert clone.code(NEXT + LATER) == 3
    assert project.everything_read(READERS[0]) == {"a": 1, "b": 1}


def test_a_backup_from_the_middle_of_a_send_balances_and_tells_what_was_under_way(project: Project, tmp_path: Path) -> None:
    for number in range(30):
        project.join(f"u{number}@x.example")
    made: list[Seal] = []
    with project.app(MONDAY) as app:

        def midway(progress: Any) -> None:
            if not made and len(project.sink.arrived) > 3:
                made.append(backup(app, project.folder / "middle.backup"))

        run(app, None, midway)
    assert len(made) == 1
    other = elsewhere(project, tmp_path / "other")
    said = restored(other, project.folder / "middle.backup", "--json")
    told = json.loads(said.stdout)
    assert [one["issue"] for one in told["under_way"]] == ["weekly/1"]
    account = other.account("weekly/1")
    assert sum(account.values()) == 32
    assert other.code(MONDAY + LATER) == 3
    assert len(project.sink.arrived) == 32
    assert other.command("issues", "cancel", "weekly/1", "--reason", "it went out").returncode == 0
    confirm(other)
    other.run(MONDAY + LATER)
    assert max(arrived(project).values()) == 1


@pytest.mark.rather_sqlite
def test_it_asks_also_where_nothing_was_sent_since_the_backup_or_ever(project: Project) -> None:
    restored(project, backed_up(project, "first"), "--replace")
    assert project.code(MONDAY) == 3
    confirm(project)
    assert project.code(MONDAY) == 0
    restored(project, backed_up(project, "second"), "--replace")
    project.offer(article("b", at=MONDAY))
    assert project.code(NEXT) == 3
    assert "was restored from a backup" in project.command("doctor", "--offline").stdout


@pytest.mark.rather_sqlite
def test_restored_twice_it_asks_twice(project: Project) -> None:
    file = backed_up(project)
    for number in range(2):
        restored(project, file, "--replace")
        assert project.code(MONDAY) == 3
        confirm(project)
        assert sum(arrived(project).values()) == 2 * number
        assert project.code(MONDAY) == 0  # what the person wanted


@pytest.mark.rather_sqlite
def test_it_asks_also_where_the_epoch_has_no_second_place(project: Project) -> None:
    knowingly = {"DIGEST_DATABASE__EPOCH": "none"}
    file = backed_up(project)
    assert project.code(MONDAY, **knowingly) == 0
    restored(project, file, "--replace")
    assert project.code(MONDAY + LATER, **knowingly) == 3
    confirm(project, **knowingly)
    assert project.code(MONDAY + LATER, **knowingly) == 0
    assert not (project.folder / "digest.db.epoch").exists()


@pytest.mark.rather_sqlite
def test_letters_that_waited_wait_until_a_person_says_so(project: Project) -> None:
    with project.app() as app, app.store.writing() as connection:
        connection.execute(
            insert(tables.letter).values(
                kind="confirm", about=1, email="new@x.example", address="new@x.example", language="en", created_at=BEGAN,
                state="waiting", attempts=0, not_before=BEGAN,
            )
        )  # fmt: skip
    said = restored(project, backed_up(project), "--replace")
    assert "1 letters waited" in said.stdout
    project.run(MONDAY)
    with project.app() as app, app.store.reading() as connection:
        assert connection.execute(select(tables.letter.c.state)).scalars().all() == ["waiting"]
    assert project.sink.arrived == []


@pytest.mark.rather_sqlite
def test_a_dry_run_of_what_was_restored_is_one_as_any_other(project: Project) -> None:
    restored(project, backed_up(project), "--replace")
    assert project.command("run", "--dry-run", "--now", MONDAY.isoformat()).returncode == 0
    assert project.code(MONDAY) == 3


def test_whoever_was_erased_leaves_a_number_that_nobody_gets(project: Project, tmp_path: Path) -> None:
    """Links of theirs are about."""
    assert project.command("subscribers", "erase", READERS[1]).returncode == 0
    other = elsewhere(project, tmp_path / "other")
    restored(other, backed_up(project))
    other.join("new@x.example")
    with other.app() as app, app.store.reading() as connection:
        assert connection.execute(select(tables.subscriber.c.id).order_by(tables.subscriber.c.id)).scalars().all() == [1, 3]


def test_one_of_an_older_version_is_brought_to_this_one(project: Project, tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    old = Store(fresh_database(tmp_path / "old", prepared=False))
    with old.writing() as connection:
        upgrade(connection, "0001")
        connection.execute(
            text(
                "INSERT INTO subscriber (id, email, address, created_at)"
                " VALUES (7, 'old@x.example', 'old@x.example', '2026-01-01T00:00:00.000000+00:00')"
            )
        )
    old.close()
    aged = replace(
        project, environment=project.environment | {"DIGEST_DATABASE__URL": old.url.render_as_string(hide_password=False)}
    )
    checked = aged.command("migrate", "--check")
    assert (checked.returncode, "revision 0001" in checked.stdout) == (1, True)
    file = tmp_path / "old.backup"
    assert "at revision 0001" in aged.command("backup", str(file)).stdout
    restored(project, file, "--replace")
    assert project.command("migrate", "--check").returncode == 0
    with project.app() as app, app.store.reading() as connection:
        assert connection.execute(select(tables.subscriber.c.email)).scalars().all() == ["old@x.example"]


def resealed(file: Path, change: str) -> None:
    """The database in a backup, changed as somebody on purpose would, and sealed anew."""
    raw = file.read_bytes()
    file.write_bytes(raw[:-4096])
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(change)
    seal(file, Seal("2026-11-23T09:00:00+00:00", "9.9", "9999", "sqlite", 0, 0, "00000000"))


@pytest.mark.rather_sqlite
def test_one_of_a_newer_version_and_what_is_not_ours_are_refused_and_nothing_is_changed(project: Project) -> None:
    newer, strange = backed_up(project, "newer"), backed_up(project, "strange")
    resealed(newer, "UPDATE alembic_version SET version_num = '9999'")
    assert "does not know" in restored(project, newer, "--replace", code=3).stderr
    resealed(strange, "DROP TABLE alembic_version")
    assert "is not Digest's" in restored(project, strange, "--replace", code=2).stderr
    assert project.code(MONDAY) == 0


@pytest.mark.sqlite  # it looks at the file that the database is
def test_a_file_that_was_cut_short_altered_or_is_something_else_is_refused_and_nothing_is_changed(project: Project) -> None:
    good = backed_up(project).read_bytes()
    middle = len(good) // 2
    bad = {
        "cut": good[:-1],
        "half": good[:middle],
        "longer": good + b"\n",
        "altered": good[:middle] + bytes([good[middle] ^ 1]) + good[middle + 1 :],
        "altered in its seal": good.replace(b'"subscribers":2', b'"subscribers":3'),
        "empty": b"",
        "text": b"what is this?\n" * 1000,
        "a database as it is": (project.folder / "digest.db").read_bytes(),
    }
    for name, content in bad.items():
        file = project.folder / name
        file.write_bytes(content)
        said = restored(project, file, "--replace", code=2)
        assert ("altered" in said.stderr) == name.startswith("altered"), name
        assert len(said.stderr.splitlines()) == 1
    assert "there is no such file" in restored(project, project.folder / "missing", code=2).stderr
    assert "is a folder" in restored(project, project.folder, code=2).stderr
    assert list(project.folder.glob("before-restore-*")) == []
    assert project.code(MONDAY) == 0


@pytest.mark.rather_sqlite
def test_a_backup_never_takes_the_place_of_a_file_and_is_for_its_owner_alone(project: Project) -> None:
    file = backed_up(project)
    assert file.stat().st_mode & 0o777 == 0o600
    before = file.read_bytes()
    again = project.command("backup", file.name)
    assert (again.returncode, "is there already" in again.stderr) == (2, True)
    assert file.read_bytes() == before
    nowhere = project.command("backup", "nowhere/kept")
    assert (nowhere.returncode, "cannot be written" in nowhere.stderr) == (5, True)
    assert project.command("backup", ".").returncode == 2
    with closing(sqlite3.connect(f"file:{file}?immutable=1", uri=True)) as plain:  # and any program that reads SQLite reads it
        assert plain.execute("SELECT count(*) FROM subscriber").fetchone() == (2,)


@contextmanager
def room_for(pages: int, names: str) -> Iterator[None]:
    """A disk on which databases of some names have room for so many pages."""
    connect = sqlite3.connect

    def bounded(where: Any, *arguments: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(where, *arguments, **options)
        if names in str(where):
            connection.execute(f"PRAGMA max_page_count = {pages}")
        return connection

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sqlite3.connect", bounded)
        yield


@pytest.mark.sqlite  # of room on the disk of SQLite's file
def test_without_room_for_it_there_is_no_backup_and_nothing_is_left_of_it(project: Project) -> None:
    before = sorted(project.folder.iterdir())
    with room_for(10, "kept"):
        got = project.command("backup", "kept")
    assert (got.returncode, len(got.stderr.splitlines())) == (5, 1), got
    assert "nothing was kept" in got.stderr
    assert [one for one in sorted(project.folder.iterdir()) if one not in before] == []


@pytest.mark.sqlite  # of room on the disk of SQLite's file
def test_without_room_for_what_is_restored_the_database_is_what_it_was(project: Project) -> None:
    file = backed_up(project)
    assert project.code(MONDAY) == 0
    project.offer(*(article(f"a{number}", summary="x" * 3000) for number in range(100)))
    with project.app() as app:
        held = rows(app.store)
    with pytest.MonkeyPatch.context() as patch:

        def full(*_: Any) -> None:
            raise sqlite3.OperationalError("database or disk is full")

        patch.setattr("digest.store.restoring.put_in_place", full)
        assert "disk is full" in restored(project, file, "--replace", code=5).stderr
    with project.app() as app:
        assert rows(app.store) == held
    assert project.code(MONDAY) == 0  # nor does it ask anything


def test_while_another_one_sends_nothing_is_restored(project: Project) -> None:
    file = backed_up(project)
    with project.app() as app, app.run_lock():
        restored(project, file, "--replace", code=4)
        assert backed_up(project, "meanwhile").exists()


def test_a_process_that_has_the_database_open_sees_what_was_restored_and_goes_on_with_it(project: Project) -> None:
    file = backed_up(project)
    project.join("later@x.example")
    with project.app() as app:
        with app.store.reading() as connection:
            assert len(connection.execute(select(tables.subscriber.c.id)).all()) == 3
        restored(project, file, "--replace")
        with app.store.reading() as connection:
            assert len(connection.execute(select(tables.subscriber.c.id)).all()) == 2
    project.join("new@x.example")
    with project.app() as app, app.store.reading() as connection:
        assert len(connection.execute(select(tables.subscriber.c.id)).all()) == 3


@pytest.mark.rather_sqlite
def test_with_another_secret_a_person_is_told_of_the_links(project: Project) -> None:
    file = backed_up(project)
    other = {"DIGEST_SECRET_KEY": "another-secret-of-sufficient-length-0123456789"}
    said = project.command("restore", str(file), "--replace", **other)
    assert (said.returncode, "DIGEST_FORMER_SECRET_KEYS" in said.stderr) == (0, True)
    assert "FORMER" not in restored(project, file, "--replace").stderr


def test_there_is_nothing_to_back_up_where_there_is_no_database(tmp_path: Path, database: Databases) -> None:
    (tmp_path / "empty").mkdir()
    with a_project(tmp_path) as project:
        project.environment["DIGEST_DATABASE__URL"] = fresh_database(tmp_path / "empty", prepared=False)
        got = project.command("backup", "kept")
        assert (got.returncode, "nothing to back up" in got.stderr) == (3, True)
        assert not (tmp_path / "kept").exists()
        assert list((tmp_path / "empty").iterdir()) == []


@pytest.mark.sqlite  # both take part
def test_what_sqlite_held_goes_to_postgresql_and_back_to_the_last_row(
    project: Project, postgresql: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digest.store.backup._ROWS_AT_ONCE", 2)
    assert project.code(MONDAY) == 0
    with project.app() as app, app.store.writing() as connection:
        connection.execute(
            insert(tables.report).values(
                provider="ses", received_at=MONDAY, fingerprint="f", body=b"\x00\xff\n\\N", state="waiting", unknown=True
            )
        )
    name = postgresql.create(prepared=False)
    there = elsewhere(project, tmp_path / "there")
    there.environment["DIGEST_DATABASE__URL"] = postgresql.url(name)
    restored(there, backed_up(project))
    back = elsewhere(project, tmp_path / "back")
    restored(back, backed_up(there))
    with project.app() as first, there.app() as second, back.app() as third:
        assert rows(first.store) == rows(second.store) == rows(third.store)
    confirm(there)
    there.offer(article("a"), article("b", at=MONDAY))
    assert there.code(NEXT) == 0
    assert project.everything_read(READERS[0]) == {"a": 1, "b": 1}
    postgresql.drop(name)


@pytest.mark.sqlite  # both take part
def test_what_postgresql_cannot_hold_is_one_line_that_names_nobody(project: Project, postgresql: Server, tmp_path: Path) -> None:
    with project.app() as app, app.store.writing() as connection:
        connection.execute(insert(tables.audit).values(at=MONDAY, actor="secretly\0named", act="x", about="y"))
    name = postgresql.create(prepared=False)
    there = elsewhere(project, tmp_path / "there")
    there.environment["DIGEST_DATABASE__URL"] = postgresql.url(name)
    said = restored(there, backed_up(project), code=3)
    assert "a row of audit" in said.stderr
    assert "secretly" not in said.stderr
    with there.app() as app:
        assert all(not found for found in rows(app.store).values())
    postgresql.drop(name)


@pytest.mark.sqlite  # the revision is set in the file
def test_whether_there_is_anything_to_migrate_is_told_by_the_exit_code(project: Project) -> None:
    current = project.command("migrate", "--check", "--json")
    assert (current.returncode, json.loads(current.stdout)) == (0, {"needed": False, "revision": HEAD, "wanted": HEAD})
    with project.app() as app, app.store.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0009'"))
    old = project.command("migrate", "--check", "--json")
    assert (old.returncode, json.loads(old.stdout)["needed"]) == (1, True)
    with sqlite3.connect(project.folder / "digest.db") as connection_:
        connection_.execute("UPDATE alembic_version SET version_num = '9999'")
    connection_.close()
    assert project.command("migrate", "--check").returncode == 3

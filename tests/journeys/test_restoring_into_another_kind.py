"""A backup goes into either kind of database and into a later version, to the last row and number."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text

from digest.store import tables
from digest.store.database import Store
from digest.store.migrations.upgrade import upgrade
from tests.databases import Server, fresh_database
from tests.journeys.backups import READERS, backed_up, confirm, elsewhere, inhabited, restored, rows
from tests.journeys.project import MONDAY, WEEK, Project, article

NEXT = MONDAY + WEEK


@pytest.fixture
def project(project: Project) -> Project:
    return inhabited(project)


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

"""What is not restored: what was damaged, is not ours, or has no room; and the database is what it was."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from digest.store.seal import Seal, seal
from tests.journeys.backups import backed_up, inhabited, restored, rows
from tests.journeys.project import MONDAY, Project, article


@pytest.fixture
def project(project: Project) -> Project:
    return inhabited(project)


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

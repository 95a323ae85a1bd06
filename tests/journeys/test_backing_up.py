"""Backing up: a file that is there whole and in place of none, or a line that says why there is none."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.databases import Databases, fresh_database
from tests.journeys.backups import backed_up, inhabited
from tests.journeys.project import Project, a_project


@pytest.fixture
def project(project: Project) -> Project:
    return inhabited(project)


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


def test_there_is_nothing_to_back_up_where_there_is_no_database(tmp_path: Path, database: Databases) -> None:
    (tmp_path / "empty").mkdir()
    with a_project(tmp_path) as project:
        project.environment["DIGEST_DATABASE__URL"] = fresh_database(tmp_path / "empty", prepared=False)
        got = project.command("backup", "kept")
        assert (got.returncode, "nothing to back up" in got.stderr) == (3, True)
        assert not (tmp_path / "kept").exists()
        assert list((tmp_path / "empty").iterdir()) == []

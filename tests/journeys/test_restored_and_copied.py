"""A database that was restored, or copied to a second machine: nothing goes out until a person confirms."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.journeys.project import MONDAY, WEEK, Project, article

pytestmark = pytest.mark.sqlite  # files are copied

LATER = MONDAY + timedelta(hours=1)


@pytest.fixture
def project(project: Project) -> Project:
    project.join("ann@x.example")
    project.join("bob@x.example")
    project.offer(article("a"))
    return project


def keep(project: Project, name: str) -> Callable[[], None]:
    """Keep a copy of the database as it stands; returns what restores it."""
    kept = project.folder / name
    with project.app() as app:
        assert app.store.path is not None
        path = app.store.path
    shutil.copy(path, kept)

    def restore() -> None:
        for leftover in path.parent.glob(f"{path.name}-*"):
            leftover.unlink()
        shutil.copy(kept, path)

    return restore


def copied(project: Project, folder: Path) -> Project:
    """The whole folder in another place."""
    shutil.copytree(project.folder, folder)
    return at(project, folder)


def at(project: Project, folder: Path) -> Project:
    """The project as it is run from a folder."""
    return replace(project, folder=folder, environment=project.environment | {"DIGEST_DATABASE__URL": "sqlite:///digest.db"})


def test_a_database_from_before_the_issue_was_sent_sends_nothing_until_a_person_says_so(project: Project) -> None:
    restore = keep(project, "before.db")
    assert project.code(MONDAY) == 0
    assert len(project.sink.arrived) == 2
    restore()
    got = project.command("run", "--now", LATER.isoformat())
    assert (got.returncode, len(project.sink.arrived)) == (3, 2)
    assert "restored, copied or made anew" in got.stdout
    doctor = project.command("doctor")
    assert doctor.returncode == 3
    assert "BAD send epoch: this database is not the one that sent last" in doctor.stdout
    assert project.command("send", "weekly/1", "--now", LATER.isoformat()).returncode == 3
    assert len(project.sink.arrived) == 2
    confirmed = project.command("doctor", "--confirm-epoch")
    assert (confirmed.returncode, "ok  send epoch" in confirmed.stdout) == (0, True)
    assert project.code(LATER) == 0
    assert len(project.sink.arrived) == 4  # what a person wanted


def test_a_backup_from_the_middle_of_a_send_is_an_old_one_too(project: Project) -> None:
    project.code(MONDAY)
    restore = keep(project, "between.db")
    project.offer(article("a"), article("b", at=MONDAY))
    assert project.code(MONDAY + WEEK) == 0
    restore()
    assert project.code(MONDAY + WEEK + timedelta(hours=1)) == 3
    assert project.everything_read("ann@x.example") == {"a": 1, "b": 1}


def test_of_a_project_that_was_copied_only_the_original_sends(project: Project, tmp_path: Path) -> None:
    assert project.code(MONDAY) == 0
    folder = tmp_path / "second machine"
    copy = copied(project, folder)
    project.offer(article("a"), article("b", at=MONDAY))
    copy.offer(article("a"), article("b", at=MONDAY))
    got = copy.command("run", "--now", (MONDAY + WEEK).isoformat())
    assert got.returncode == 3
    assert "is a copy, made in another place or on another machine" in got.stdout
    assert project.code(MONDAY + WEEK) == 0
    assert project.everything_read("ann@x.example") == {"a": 1, "b": 1}


def test_a_project_that_was_copied_before_it_ever_sent_and_one_that_was_moved_do_send(project: Project, tmp_path: Path) -> None:
    assert copied(project, tmp_path / "copy").code(MONDAY) == 0
    (tmp_path / "copy").rename(tmp_path / "moved")
    moved = at(project, tmp_path / "moved")
    moved.offer(article("b", at=MONDAY))
    assert moved.code(MONDAY + WEEK) == 0
    assert moved.everything_read("ann@x.example") == {"a": 1, "b": 1}


def test_where_machines_are_thrown_away_after_each_run_nothing_is_asked(project: Project) -> None:
    knowingly = {"DIGEST_DATABASE__EPOCH": "none"}
    restore = keep(project, "before.db")
    assert project.code(MONDAY, **knowingly) == 0
    restore()
    assert project.code(LATER, **knowingly) == 0
    assert "as configured" in project.command("doctor", **knowingly).stdout


def test_a_dry_run_of_a_copy_is_a_dry_run_as_any_other(project: Project, tmp_path: Path) -> None:
    assert project.code(MONDAY) == 0
    copy = copied(project, tmp_path / "copy")
    copy.offer(article("b", at=MONDAY))
    got = copy.command("run", "--dry-run", "--now", (MONDAY + WEEK).isoformat())
    assert got.returncode == 0, got.stderr

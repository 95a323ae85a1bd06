"""What becomes of a backup that is restored, here or on another machine, once or twice: nothing goes out by itself."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select

from digest.app.restoring import backup
from digest.app.running import run
from digest.store import tables
from digest.store.seal import Seal
from tests.journeys.backups import READERS, arrived, backed_up, confirm, elsewhere, inhabited, restored, rows
from tests.journeys.project import BEGAN, MONDAY, WEEK, Project, article

NEXT = MONDAY + WEEK
LATER = timedelta(hours=1)


@pytest.fixture
def project(project: Project) -> Project:
    return inhabited(project)


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

"""Case 30: the disk is full, or another process holds the database."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from digest.store import database
from tests.journeys.project import MONDAY, Project, a_project, article

NOW = MONDAY.isoformat()
READERS = 200


@contextmanager
def room_for(pages: int) -> Iterator[None]:
    """A disk that has room for so many pages of the database and no more: SQLite then fails as it does on a full disk."""

    def bound(connection: sqlite3.Connection, _: object) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages}")

    event.listen(Engine, "connect", bound)
    try:
        yield
    finally:
        event.remove(Engine, "connect", bound)


def pages_of(project: Project) -> int:
    connection = sqlite3.connect(project.folder / "digest.db")
    count: int = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.close()
    return count


def readers(project: Project) -> None:
    lines = ["email,confirmed", *(f"u{number}@x.example,yes" for number in range(READERS))]
    (project.folder / "people.csv").write_text("\n".join(lines), encoding="utf-8")
    assert project.command("subscribers", "import", "people.csv").returncode == 0


def test_case_30_a_disk_that_is_full_at_any_point_of_a_run_is_one_line_and_the_next_run_goes_on(tmp_path: Path) -> None:
    with a_project(tmp_path) as project:
        readers(project)
        project.offer(*(article(f"a{number}") for number in range(5)))
        taken, stopped = pages_of(project), 0
        for more in range(400):
            with room_for(taken + more):
                got = project.command("run", "--now", NOW)
            if got.returncode != 5:
                break
            stopped += 1
            (line,) = got.stderr.splitlines()
            assert "the disk is full; nothing was lost, make room and run again" in line
        assert stopped > 5
        project.command("run", "--now", NOW)
        account = project.account("weekly/1")
        arrived = [one.rcpt_to for one in project.sink.arrived]
        assert len(arrived) == len(set(arrived))
        assert account["accepted"] + account.get("unknown", 0) == READERS
        assert account["accepted"] <= len(arrived) <= READERS


def test_case_30_a_database_that_another_process_holds_is_one_line_and_the_next_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_BUSY_SECONDS", 0.1)
    with a_project(tmp_path) as project:
        readers(project)
        project.offer(article("a"))
        holder = sqlite3.connect(project.folder / "digest.db", isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        for arguments in (("run",), ("articles", "fetch"), ("issues", "draft", "weekly")):
            got = project.command(*arguments, "--now", NOW)
            assert got.returncode == 5, arguments
            (line,) = got.stderr.splitlines()
            assert "another process holds it; nothing was lost, run again in a moment" in line
        assert project.command("run", "--dry-run", "--now", NOW).returncode == 0
        holder.rollback()
        holder.close()
        assert project.sink.arrived == []
        assert project.command("run", "--now", NOW).returncode == 0
        assert project.account("weekly/1") == {"accepted": READERS}

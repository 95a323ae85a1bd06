"""`digest status`: one look at everything, and its exit codes."""

from __future__ import annotations

import json
import os
import pty
import signal
from datetime import timedelta

import pytest

from digest.delivery.halting import halt
from tests.databases import eventually
from tests.journeys.project import MONDAY, Project, article

BEFORE = MONDAY - timedelta(hours=3)


@pytest.fixture
def project(project: Project) -> Project:
    project.join("ann@x.example")
    project.offer(article("a"))
    return project


def test_it_tells_of_what_comes_and_of_what_went(project: Project) -> None:
    first = project.command("status", "--now", BEFORE.isoformat())
    assert (first.returncode, first.stderr) == (0, "")
    assert "no run has ended yet" in first.stdout
    assert "weekly (weekly)\tMonday, 23 November, at 09:00, today, in 3 hours (UTC)\t\t\t1" in first.stdout
    project.run(MONDAY)
    later = project.command("status", "--json", "--now", (MONDAY + timedelta(hours=1)).isoformat())
    told = json.loads(later.stdout)
    assert (later.returncode, told["exit_code"]) == (0, 0)
    assert told["last_run"]["well"] is True
    assert [one["source"] for one in told["sources"]] == ["articles"]
    assert told["open"] == []
    assert told["letters"]["waiting"] == told["reports"]["waiting"] == 0


def test_an_issue_under_way_has_an_account_and_one_that_is_paused_wants_a_person(project: Project) -> None:
    project.plan(MONDAY)
    told = json.loads(project.command("status", "--json").stdout)
    (one,) = told["open"]
    assert (one["issue"], one["state"], one["audience"], one["unsent"]) == ("weekly/1", "sending", 1, 1)
    assert project.command("issues", "pause", "weekly/1", "--reason", "a look").returncode == 0
    paused = project.command("status")
    assert paused.returncode == 3
    assert "weekly/1 is paused: a look" in paused.stdout


@pytest.mark.rather_sqlite
def test_a_halt_and_a_restored_database_want_a_person_and_a_source_that_fails_is_in_trouble(project: Project) -> None:
    with project.app() as app, app.store.writing() as connection:
        halt(connection, "the relay is odd", "somebody", MONDAY)
    halted = project.command("status")
    assert (halted.returncode, "all sending is halted: the relay is odd" in halted.stdout) == (3, True)
    assert halted.stdout.count("all sending is halted") == 1
    assert project.command("halt", "--lift").returncode == 0
    project.command("backup", "kept")
    project.command("restore", "kept", "--replace")
    assert "restored from a backup" in project.command("status").stdout
    project.command("doctor", "--offline", "--confirm-epoch")
    (project.folder / "articles.json").write_text("no JSON", encoding="utf-8")
    project.run(BEFORE)
    failing = project.command("status")
    assert (failing.returncode, "The source articles could not be read" in failing.stdout) == (1, True)


@pytest.mark.rather_sqlite
def test_it_is_watched_on_a_terminal_alone_and_until_one_has_seen_enough(project: Project) -> None:
    refused = project.command("status", "--watch")
    assert (refused.returncode, "on a terminal" in refused.stderr) == (2, True)
    child, terminal = pty.fork()
    if child == 0:  # pragma: no cover  # another process
        os.chdir(project.folder)
        script = "import sys; from digest.cli import main; sys.argv = ['digest', 'status', '--watch', '--every', '0.5']; main()"
        os.environ |= project.environment
        os.execv(os.sys.executable, [os.sys.executable, "-c", script])  # type: ignore[attr-defined]
    seen = bytearray()

    def drawn_twice() -> bool:
        seen.extend(os.read(terminal, 65536))
        return seen.count(b"digest status, ") >= 2

    eventually(drawn_twice)
    os.kill(child, signal.SIGINT)
    while True:
        try:
            part = os.read(terminal, 65536)
        except OSError:  # it has ended
            break
        seen += part
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert b"weekly (weekly)" in seen
    assert b"Traceback" not in seen
    os.close(terminal)

"""Processes that go on and on: they wake at the slot, take up a new configuration or refuse it whole, and end when told to."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import pytest

from digest.testing.smtp_sink import Now, React, Script
from tests.databases import Databases
from tests.journeys.project import Project, a_project, article
from tests.journeys.serving import served

pytestmark = pytest.mark.proof

A_MOMENT_BEFORE = "2026-11-23T08:59:58Z"
A_WEEK_BEFORE = "2026-11-21T12:00:00Z"


def people(project: Project, count: int) -> None:
    rows = "".join(f"u{number}@x.example,yes\n" for number in range(count))
    (project.folder / "people.csv").write_text("email,confirmed\n" + rows, encoding="utf-8")
    assert project.command("subscribers", "import", "people.csv").returncode == 0
    project.offer(article("a"))


def said(process: subprocess.Popen[str], words: str) -> str:
    """Wait for a line on standard error."""
    assert process.stderr is not None
    for line in process.stderr:
        if words in line:
            return line
    raise AssertionError(f"{words!r} was never said")


def ended(process: subprocess.Popen[str]) -> float:
    """Tell a process to end; returns after how many seconds it has, by itself and without a fault."""
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    try:
        out, err = process.communicate(timeout=30)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    assert process.returncode == 0, err
    assert "Traceback" not in out + err
    return time.monotonic() - began


def everybody_once(project: Project, count: int) -> bool:
    arrived = [one.rcpt_to for one in project.sink.arrived]
    return len(arrived) == len(set(arrived)) == count


def wait_until(true: object, process: subprocess.Popen[str]) -> None:
    assert callable(true)
    until = time.monotonic() + 30
    while not true():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < until
        time.sleep(0.01)


def test_two_schedulers_and_cron_at_one_slot_send_one_issue_to_everybody_once(tmp_path: Path, database: Databases) -> None:
    with a_project(tmp_path) as project:
        people(project, 40)
        first, second = (project.process("scheduler", "--now", A_MOMENT_BEFORE) for _ in range(2))
        try:
            for process in (first, second):
                assert process.stdout is not None
                assert process.stdout.readline() == "scheduling\n"
            project.command("run", "--wait", "10s", "--now", "2026-11-23T09:00:01Z")
            wait_until(lambda: len(project.sink.arrived) >= 40, first)
            time.sleep(0.5)
        finally:
            seconds = [ended(process) for process in (first, second)]
        assert max(seconds) < 10
        assert everybody_once(project, 40)
        assert [issue.name for issue in project.issues()] == ["weekly/1"]
        assert project.account("weekly/1") == {"accepted": 40}


@pytest.mark.parametrize("command", ["scheduler", "serve"])
def test_told_to_end_while_it_sends_it_ends_within_ten_seconds_and_nothing_is_lost(tmp_path: Path, command: str) -> None:
    with a_project(tmp_path, slowly()) as project:
        people(project, 60)
        more = ("--port", "0") if command == "serve" else ()
        process = project.process(command, "--now", A_MOMENT_BEFORE, *more)
        try:
            wait_until(lambda: len(project.sink.arrived) >= 5, process)
        finally:
            seconds = ended(process)
        print(f"{command} ended after {seconds:.1f} s")
        assert seconds < 10
        sent = len(project.sink.arrived)
        assert sent < 60
        account = project.account("weekly/1")
        assert account.get("accepted", 0) + account.get("unknown", 0) == sent
        assert account["planned"] == 60 - sent
        project.run()
        assert everybody_once(project, 60)


def slowly() -> Script:
    def script(now: Now) -> React | None:
        if now.moment == "RCPT":
            time.sleep(0.05)
        return None

    return script


def test_a_broken_configuration_is_refused_with_its_line_and_the_old_one_stays_until_it_is_mended(tmp_path: Path) -> None:
    with a_project(tmp_path) as project, served(project, "--now", A_WEEK_BEFORE, scheduler=True) as pages:
        assert "Backend Weekly" in pages.ask("GET", "/subscribe").text
        file = project.folder / "config" / "digest.toml"
        before = file.read_text(encoding="utf-8")
        file.write_text(before.replace("Backend Weekly", "Backend Monthly").replace("max_articles = 20", "max_articles = none"))
        pages.process.send_signal(signal.SIGHUP)
        line = said(pages.process, "the configuration was refused")
        assert "config/digest.toml: is not TOML" in line
        assert "line 3" in line
        file.write_text(before.replace("Backend Weekly", "Backend Monthly").replace("max_articles = 20", 'max_articles = "x"'))
        pages.process.send_signal(signal.SIGHUP)
        assert "config/digest.toml: newsletters.0.max_articles: must be a whole number" in said(pages.process, "was refused")
        assert "Backend Weekly" in pages.ask("GET", "/subscribe").text
        file.write_text(
            before.replace("Backend Weekly", "Backend Monthly").replace('"sqlite:///digest.db"', '"sqlite:///other.db"')
        )
        pages.process.send_signal(signal.SIGHUP)
        said(pages.process, "is in force")  # the environment names the database
        assert "Backend Monthly" in pages.ask("GET", "/subscribe").text
        (project.folder / ".env").write_text("DIGEST_SECRET_KEY=" + "x" * 40)
        pages.process.send_signal(signal.SIGHUP)
        assert "secret_key: it is another one now" in said(pages.process, "was refused")

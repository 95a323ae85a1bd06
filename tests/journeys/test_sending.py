"""Sending, and what goes wrong while sending: counted, never repeated, never forgotten."""

from __future__ import annotations

import hashlib
import signal
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from digest.testing.smtp_sink import Now, React, SmtpSink
from tests.journeys.project import MONDAY, WEEK, Project, a_project, article

NOW = MONDAY.isoformat()


def people(project: Project, many: int) -> None:
    """So many readers of everything."""
    rows = "".join(f"u{number}@x.example,yes\n" for number in range(many))
    (project.folder / "people.csv").write_text("email,confirmed\n" + rows, encoding="utf-8")
    assert project.command("subscribers", "import", "people.csv").returncode == 0
    project.offer(article("a"))


def arrived(project: Project) -> Counter[str]:
    """How often each address got something that was accepted."""
    return Counter(one.rcpt_to for one in project.sink.arrived if one.accepted)


def fingerprint(folder: Path) -> dict[str, str]:
    """Every file of a project but its outbox, with a hash of its bytes."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and "outbox" not in path.parts)
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_case_01_two_runs_at_once_make_one_issue_and_one_mail_each(tmp_path: Path) -> None:
    with a_project(tmp_path) as project:
        people(project, 40)
        with project.process("run", "--now", NOW) as one, project.process("run", "--now", NOW) as other:
            codes = sorted(process.wait(timeout=60) for process in (one, other))
            one.communicate(), other.communicate()
        assert codes in ([0, 0], [0, 4])
        assert len(project.issues()) == 1
        assert set(arrived(project).values()) == {1}
        assert len(arrived(project)) == 40


def test_case_02_after_a_kill_the_next_run_sends_the_rest_and_what_was_in_flight_is_unknown(tmp_path: Path) -> None:
    with a_project(tmp_path) as project:
        people(project, 60)
        with project.process("run", "--now", NOW) as process:
            while len(project.sink.arrived) < 20 and process.poll() is None:
                time.sleep(0.001)
            process.kill()
            process.communicate()
        before = set(arrived(project))
        again = project.command("run", "--now", NOW)
        account = project.account("weekly/1")
        assert max(arrived(project).values()) == 1
        assert account["accepted"] + account.get("unknown", 0) == 60
        assert account.get("unknown", 0) <= 2  # one for each connection
        assert again.returncode == (1 if "unknown" in account else 0)
        assert 60 - len(arrived(project)) <= account.get("unknown", 0)
        assert before <= set(arrived(project))
        third = project.command("run", "--now", NOW)
        assert (third.returncode, sum(arrived(project).values())) == (0, len(arrived(project)))


def test_case_16_a_dry_run_leaves_nothing_behind_and_can_be_repeated(project: Project) -> None:
    people(project, 5)
    before = fingerprint(project.folder)
    for _ in range(2):
        dry = project.command("run", "--dry-run", "--now", NOW)
        assert dry.returncode == 0, dry.stderr
        assert fingerprint(project.folder) == before
    assert project.sink.connections == 0
    assert project.command("run", "--now", NOW).returncode == 0
    assert len(arrived(project)) == 5


def test_a_dry_run_of_a_project_without_a_database_makes_none(project: Project) -> None:
    project.offer(article("a"))
    before = fingerprint(project.folder)
    assert project.command("run", "--dry-run", "--now", NOW).returncode == 0
    assert fingerprint(project.folder) == before


def test_case_17_one_refused_address_does_not_touch_the_others(tmp_path: Path) -> None:
    def script(now: Now) -> React | None:
        return React("550 5.1.1 no such user") if now.moment == "RCPT" and "u3@" in now.line else None

    with a_project(tmp_path, script) as project:
        people(project, 10)
        assert project.code() == 1
        assert project.account("weekly/1") == {"accepted": 9, "rejected": 1}
        assert project.code(MONDAY + timedelta(minutes=5)) == 0
        assert sum(arrived(project).values()) == 9
        assert project.issue("weekly/1").state == "sent"


def test_what_was_rejected_is_owed_and_comes_with_the_next_issue(tmp_path: Path) -> None:
    refusing = {"u0@"}

    def script(now: Now) -> React | None:
        hit = now.moment == "RCPT" and any(one in now.line for one in refusing)
        return React("550 5.1.1 no such user") if hit else None

    with a_project(tmp_path, script) as project:
        people(project, 2)
        project.run()
        refusing.clear()
        project.offer(article("a"), article("b", at=MONDAY))
        project.run(MONDAY + WEEK)
        assert project.read("u0@x.example") == [["a", "b"]]
        assert project.read("u1@x.example") == [["a"], ["b"]]


def test_case_19_an_error_is_not_recorded_as_accepted(tmp_path: Path) -> None:
    with a_project(tmp_path, lambda now: React("451 4.3.0 try later") if now.moment == "dot" else None) as project:
        people(project, 1)
        assert project.code() == 1
        assert project.account("weekly/1") == {"deferred": 1}


def test_case_21_a_dead_server_pauses_at_once_and_the_next_run_sends_to_all(tmp_path: Path) -> None:
    with a_project(tmp_path) as project:
        people(project, 30)
        assert project.code(DIGEST_PROVIDERS__SMTP__PORT="1") == 5
        issue = project.issue("weekly/1")
        assert issue.state == "paused"
        assert "the provider is out of reach" in (issue.reason or "")
        account = project.account("weekly/1")
        assert account["planned"] >= 28
        assert account["planned"] + account["deferred"] == 30
        assert project.code(MONDAY + timedelta(minutes=5)) == 0
        assert len(arrived(project)) == 30
        assert project.account("weekly/1") == {"accepted": 30}


def test_case_22_who_is_told_to_try_later_is_tried_later_and_the_rest_goes_on(tmp_path: Path) -> None:
    told: set[str] = set()

    def script(now: Now) -> React | None:
        if now.moment != "RCPT" or "u1@" not in now.line or now.line in told:
            return None
        told.add(now.line)
        return React("450 4.2.1 mailbox busy")

    with a_project(tmp_path, script) as project:
        people(project, 6)
        assert project.code(DIGEST_DELIVERY__PATIENCE="20s") == 0
        assert set(arrived(project).values()) == {1}
        assert project.account("weekly/1") == {"accepted": 6}


def test_case_24_told_to_end_it_drains_and_the_next_run_sends_the_rest(tmp_path: Path) -> None:
    with a_project(tmp_path) as project:
        people(project, 120)
        with project.process("run", "--now", NOW) as process:
            while len(project.sink.arrived) < 10 and process.poll() is None:
                time.sleep(0.001)
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=10) in {0, 1}
            process.communicate()
        account = project.account("weekly/1")
        assert set(account) <= {"accepted", "planned"}
        assert account["accepted"] == len(arrived(project))
        assert project.command("run", "--now", NOW).returncode == 0
        assert set(arrived(project).values()) == {1}
        assert len(arrived(project)) == 120


def test_what_was_being_sent_when_its_process_died_and_its_issue_was_cancelled_is_settled(tmp_path: Path) -> None:
    with a_project(tmp_path) as project:
        people(project, 60)
        with project.process("run", "--now", NOW) as process:
            while len(project.sink.arrived) < 10 and process.poll() is None:
                time.sleep(0.001)
            process.kill()
            process.communicate()
        assert project.command("issues", "cancel", "weekly/1", "--now", NOW).returncode == 0
        project.run(MONDAY + timedelta(minutes=5))
        assert set(project.account("weekly/1")) <= {"accepted", "unknown", "cancelled"}
        assert project.issue("weekly/1").settled_at is not None
        assert max(arrived(project).values()) == 1


def test_case_27_a_clock_that_jumps_back_an_hour_sends_nothing_twice(project: Project) -> None:
    people(project, 3)
    project.run(MONDAY + timedelta(minutes=30))
    assert project.code(MONDAY - timedelta(minutes=30)) == 0
    assert project.code(MONDAY + timedelta(minutes=10)) == 0
    assert set(arrived(project).values()) == {1}
    assert len(project.issues()) == 1


@pytest.mark.parametrize(("reply", "state"), [("554 5.6.0 content refused", "paused"), ("554 5.7.1 looks like spam", "paused")])
def test_case_34_when_the_content_is_refused_the_issue_pauses_and_nobody_is_rejected(
    tmp_path: Path, reply: str, state: str
) -> None:
    with a_project(tmp_path, lambda now: React(reply) if now.moment == "dot" else None) as project:
        people(project, 20)
        assert project.code() == 3
        assert project.issue("weekly/1").state == state
        account = project.account("weekly/1")
        assert set(account) == {"planned", "deferred"}
        assert account["deferred"] <= 5
        assert project.code(MONDAY + timedelta(minutes=5)) == 3  # said again, until somebody resumes it


def test_a_wrong_password_pauses_with_one_line_that_does_not_hold_it(tmp_path: Path) -> None:
    with a_project(tmp_path) as project, SmtpSink(login=("me", "what is right")) as relay:
        people(project, 5)
        secret = "hunter2-canary"
        login = {
            "DIGEST_PROVIDERS__SMTP__PORT": str(relay.port),
            "DIGEST_PROVIDERS__SMTP__USERNAME": "me",
            "DIGEST_PROVIDERS__SMTP__PASSWORD": secret,
        }
        refused = project.command("run", "--now", NOW, **login)
        assert refused.returncode == 3
        assert secret not in refused.stdout + refused.stderr
        assert project.issue("weekly/1").state == "paused"
        again = project.command("run", "--now", NOW, **login)
        for said in (refused, again):
            (line,) = (line for line in said.stdout.splitlines() if line.startswith("weekly/1: paused"))
            assert "535" in line
            assert line.count("`digest issues resume weekly/1` lets it go on") == 1
        assert "rejected" not in project.account("weekly/1")

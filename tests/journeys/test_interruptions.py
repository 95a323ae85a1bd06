"""Runs that are stopped, frozen, hung or doubled in mid-send: the next one goes on, and nobody gets anything twice."""

from __future__ import annotations

import json
import signal
import socket
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path

import pytest

from digest.app.issuing import named, resolve
from digest.audience.people import subscribe
from digest.delivery.transitions import DeliveryState
from digest.testing.smtp_sink import SILENCE, Now, React
from tests.databases import Databases
from tests.journeys.project import BEGAN, MONDAY, WEEK, Project, a_project, article

NOW = MONDAY.isoformat()


def people(project: Project, many: int) -> None:
    """So many readers of everything, and one article."""
    with project.app(BEGAN) as app, app.store.writing() as connection:
        for number in range(many):
            subscribe(connection, app.settings.newsletters[0], f"u{number}@x.example", confirmed=True, now=BEGAN)
    project.offer(article("a"))


def arrived(project: Project) -> Counter[str]:
    """How often each address got something that was accepted."""
    return Counter(one.rcpt_to for one in project.sink.arrived if one.accepted)


def test_case_01_while_one_run_sends_every_other_sender_says_so_and_a_dry_run_still_works(tmp_path: Path) -> None:
    with a_project(tmp_path) as project:
        people(project, 40)
        with project.process("run", "--now", NOW) as first:
            while len(project.sink.arrived) < 2 and first.poll() is None:
                time.sleep(0.001)
            first.send_signal(signal.SIGSTOP)  # asleep with the lock in its hand
            others = [project.command("run", "--now", NOW), project.command("send", "weekly/1", "--now", NOW)]
            dry = project.command("run", "--dry-run", "--now", NOW)
            first.send_signal(signal.SIGCONT)
            first.communicate(timeout=60)
        assert first.returncode == 0
        assert [other.returncode for other in others] == [4, 4]
        assert [len(other.stderr.splitlines()) for other in others] == [1, 1]
        assert dry.returncode in {0, 1}, dry.stderr
        assert "Traceback" not in dry.stderr
        assert len(arrived(project)) == 40
        assert set(arrived(project).values()) == {1}
        assert project.account("weekly/1") == {"accepted": 40}


@pytest.mark.parametrize("moment", ["RCPT", "dot"])
def test_case_24_told_to_end_while_the_server_is_silent_it_still_ends_in_time(
    tmp_path: Path, database: Databases, moment: str
) -> None:
    silent = [True]

    def script(now: Now) -> React | None:
        return SILENCE if silent and now.moment == moment else None

    with a_project(tmp_path, script) as project:
        people(project, 20)
        project.drain = None if (database.kind, moment) == ("sqlite", "dot") else 1.0  # the ten seconds are shown once
        with project.process("run", "--now", NOW) as process:
            while project.sink.connections < 1 and process.poll() is None:
                time.sleep(0.01)
            time.sleep(0.3)
            process.send_signal(signal.SIGTERM)
            began = time.monotonic()
            said, complaint = process.communicate(timeout=30)
            took = time.monotonic() - began
        assert took < 12  # ten seconds, and a busy machine
        assert process.returncode in {0, 1}, complaint
        assert "Traceback" not in complaint
        silent.clear()
        account = project.account("weekly/1")
        assert set(account) <= {"planned", "deferred", "unknown"}, said
        lost = account.get("unknown", 0)
        assert lost <= 2  # one for each connection
        assert lost >= (moment == "dot")
        project.run(MONDAY + timedelta(hours=1))
        account = project.account("weekly/1")
        assert account.get("accepted", 0) + account.get("unknown", 0) == 20
        assert account.get("unknown", 0) == lost
        assert set(arrived(project).values()) == {1}


def test_case_02_who_was_in_flight_at_the_kill_stays_unknown_until_somebody_says_what_became_of_it(tmp_path: Path) -> None:
    silent = [True]

    def script(now: Now) -> React | None:
        return SILENCE if silent and now.moment == "dot" and now.message == 4 else None

    with a_project(tmp_path, script) as project:
        project.environment["DIGEST_DELIVERY__CONCURRENCY"] = "1"
        people(project, 8)
        with project.process("run", "--now", NOW) as process:
            while len(project.sink.arrived) < 4 and process.poll() is None:
                time.sleep(0.001)
            process.kill()
            process.communicate()
        silent.clear()
        (hanging,) = (one.rcpt_to for one in project.sink.arrived if not one.accepted)
        first = project.command("run", "--now", NOW, "--json")
        assert first.returncode == 1
        assert json.loads(first.stdout)["issues"][0]["account"]["unknown"] == 1
        assert project.account("weekly/1") == {"accepted": 7, "unknown": 1}
        project.offer(article("a"), article("b", at=MONDAY))
        project.run(MONDAY + WEEK)  # unknown counts as had: only what is new comes
        assert project.read(hanging) == [["b"]]
        with project.app(MONDAY + timedelta(days=1)) as app:
            assert resolve(app, named(app, "weekly/1"), DeliveryState.REJECTED, "test", "the server's log says so") == 1
        project.offer(article("a"), article("b", at=MONDAY), article("c", at=MONDAY + WEEK))
        project.run(MONDAY + 2 * WEEK)  # not accepted: owed again
        assert project.read(hanging) == [["b"], ["a", "c"]]


def test_what_is_unknown_is_sent_again_when_a_person_says_so(tmp_path: Path) -> None:
    hang_up = [True]

    def script(now: Now) -> React | None:
        return React(end="close") if hang_up and now.moment == "dot" and now.message == 1 else None

    with a_project(tmp_path, script) as project:
        people(project, 3)
        assert project.code() == 1
        assert project.account("weekly/1") == {"accepted": 2, "unknown": 1}
        hang_up.clear()
        assert project.code(MONDAY + timedelta(minutes=5)) == 0  # nothing was done, so nothing is complained of
        assert project.command("issues", "resolve", "weekly/1", "--as", "resend").returncode == 0
        project.run(MONDAY + timedelta(minutes=10))
        assert project.account("weekly/1") == {"accepted": 3}
        assert set(arrived(project).values()) == {1}


def test_case_21_a_server_that_is_dead_for_two_slots_costs_nobody_anything(project: Project) -> None:
    dead = {"DIGEST_PROVIDERS__SMTP__PORT": "1"}
    project.join("ann@x.example")
    project.join("bob@x.example")
    project.offer(article("a"))
    assert project.code(MONDAY, **dead) == 5
    project.join("new@x.example", at=MONDAY + timedelta(days=1))
    project.offer(article("a"), article("b", at=MONDAY + timedelta(days=1)))
    assert project.code(MONDAY + WEEK, **dead) == 5
    assert [issue.state for issue in project.issues()] == ["paused", "paused"]
    assert project.sink.arrived == []
    project.run(MONDAY + WEEK + timedelta(hours=1), DIGEST_DELIVERY__EXPIRES_AFTER="7d")  # the first waited for longer
    assert [issue.state for issue in project.issues()] == ["sent", "sent"]
    assert project.account("weekly/1") == {"expired": 2}
    assert project.code(MONDAY + 2 * WEEK) == 0  # what expired is owed, and reason enough for an issue
    for email in ("ann@x.example", "bob@x.example"):
        assert project.read(email) == [["b"], ["a"]]
    assert "b" in project.everything_read("new@x.example")
    assert max(project.everything_read("new@x.example").values()) == 1


def test_case_21_a_server_that_is_back_before_the_next_slot_sends_both_issues(project: Project) -> None:
    dead = {"DIGEST_PROVIDERS__SMTP__PORT": "1"}
    project.configure('schedule = "0 9 * * 1"', 'schedule = "0 9 * * 1,3"')
    project.join("ann@x.example")
    project.offer(article("a"))
    assert project.code(MONDAY, **dead) == 5
    project.offer(article("a"), article("b", at=MONDAY))
    assert project.code(MONDAY + timedelta(days=2), **dead) == 5
    assert project.code(MONDAY + timedelta(days=2, hours=1)) == 0
    assert [issue.state for issue in project.issues()] == ["sent", "sent"]
    assert project.read("ann@x.example") == [["a"], ["b"]]


@pytest.mark.sqlite  # its file's lock; tests/journeys/test_postgresql.py and tests/proofs/test_cases_with_workers.py have the server's
def test_case_30_a_database_that_stays_locked_ends_the_run_in_one_line_and_the_next_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digest.store.database._BUSY_SECONDS", 0)
    writers: list[sqlite3.Connection] = []

    def script(now: Now) -> None:
        if now.moment == "dot" and now.message == 3 and not writers:
            writers.append(sqlite3.connect(tmp_path / "digest.db", isolation_level=None, check_same_thread=False))
            writers[0].execute("BEGIN IMMEDIATE")

    with a_project(tmp_path, script) as project:
        project.environment["DIGEST_DELIVERY__CONCURRENCY"] = "1"
        people(project, 6)
        locked = project.command("run", "--now", NOW)
        writers[0].close()
        (line,) = locked.stderr.splitlines()
        assert (locked.returncode, "another process holds it; nothing was lost, run again in a moment" in line) == (5, True)
        assert project.command("run", "--now", NOW).returncode == 1
        assert project.account("weekly/1") == {"accepted": 5, "unknown": 1}
        assert arrived(project) == Counter(f"u{number}@x.example" for number in range(6))


def test_case_22_who_is_deferred_past_the_next_slot_gets_each_article_once(tmp_path: Path) -> None:
    busy = ["u1@"]

    def script(now: Now) -> React | None:
        return React("450 4.2.1 mailbox busy") if now.moment == "RCPT" and busy and busy[0] in now.line else None

    with a_project(tmp_path, script) as project:
        people(project, 3)
        project.configure('schedule = "0 9 * * 1"', 'schedule = "0 9 * * 1,3"')
        assert project.code() == 1
        assert project.account("weekly/1") == {"accepted": 2, "deferred": 1}
        project.offer(article("a"), article("b", at=MONDAY))
        assert project.code(MONDAY + timedelta(days=2)) == 1
        busy.clear()
        time.sleep(3.2)  # retries go by the real clock, 1 s and then 3 s
        project.run(MONDAY + timedelta(days=2, hours=1))
        assert sorted(project.read("u1@x.example")) == [["a"], ["b"]]
        assert [issue.state for issue in project.issues()] == ["sent", "sent"]


def test_case_14_who_unsubscribed_while_deferred_is_not_tried_again(tmp_path: Path) -> None:
    busy = ["u1@"]

    def script(now: Now) -> React | None:
        return React("450 4.2.1 mailbox busy") if now.moment == "RCPT" and busy and busy[0] in now.line else None

    with a_project(tmp_path, script) as project:
        people(project, 3)
        project.run()
        busy.clear()
        project.leave("u1@x.example")
        time.sleep(1.1)
        project.run(MONDAY + timedelta(hours=1))
        assert project.mails("u1@x.example") == []
        assert project.account("weekly/1") == {"accepted": 2, "cancelled": 1}
        assert project.issue("weekly/1").state == "sent"


def test_case_24_told_to_end_while_a_source_is_silent_it_ends_in_time_and_makes_no_issue_of_the_half(tmp_path: Path) -> None:
    with a_project(tmp_path) as project, silent_server() as (address, asked):
        people(project, 3)
        slow = {
            "DIGEST_SOURCES__1__NAME": "slow",
            "DIGEST_SOURCES__1__KIND": "feed",
            "DIGEST_SOURCES__1__URL": address,
            "DIGEST_SOURCES__1__ALLOW_PRIVATE": "true",
        }
        with project.process("run", "--now", NOW, **slow) as process:
            assert asked.wait(30)
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=10) == 1
            said, trouble = process.communicate()
        assert "slow: was not read, because the run was asked to stop; the next one reads it" in said + trouble
        assert "Traceback" not in trouble
        assert project.issues() == []
        assert len(arrived(project)) == 0
        project.run(MONDAY)
        assert arrived(project).total() == 3


@contextmanager
def silent_server() -> Iterator[tuple[str, threading.Event]]:
    """An address that takes a connection and says nothing, and whether it has been asked."""
    asked = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        held: list[socket.socket] = []

        def accept() -> None:
            with suppress(OSError):
                held.append(server.accept()[0])
                asked.set()

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/feed.xml", asked
        for connection in held:
            connection.close()

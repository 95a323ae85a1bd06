"""The kill switch, from the command line: nothing leaves until it is lifted, and nothing is lost by it."""

from __future__ import annotations

import json
import time
from collections import Counter
from datetime import timedelta

from sqlalchemy import func, select

from digest.store import tables
from tests.journeys.project import MONDAY, WEEK, Project
from tests.journeys.test_events import people

NOW = MONDAY.isoformat()


def marked(project: Project) -> int:
    """How many attempts were ever marked."""
    with project.app() as app, app.store.reading() as connection:
        return int(connection.execute(select(func.coalesce(func.sum(tables.delivery.c.attempts), 0))).scalar_one())


def test_a_halt_stops_another_process_that_is_sending_within_its_next_mark(project: Project) -> None:
    people(project, 60)
    with project.process("run", "--now", NOW, DIGEST_DELIVERY__RATE="40") as sending:
        while len(project.sink.arrived) < 5 and sending.poll() is None:
            time.sleep(0.001)
        assert project.command("halt", "the wrong subject").returncode == 0
        before = marked(project)
        said, complaint = sending.communicate(timeout=60)
    assert marked(project) == before
    assert 5 <= before < 60
    assert sending.returncode == 3, complaint
    assert "all sending is halted: the wrong subject" in said + complaint
    account = project.account("weekly/1")
    assert account == {"accepted": before, "planned": 60 - before}
    halted = project.command("run", "--now", NOW)
    assert (halted.returncode, marked(project)) == (3, before)
    assert "digest halt --lift" in halted.stderr
    assert project.command("halt", "--lift").stdout == "sending goes on with the next run or send\n"
    assert project.command("run", "--now", NOW).returncode == 0
    assert Counter(one.rcpt_to for one in project.sink.arrived) == Counter({f"u{number}@x.example": 1 for number in range(60)})


def test_while_halted_runs_fetch_and_draft_and_nothing_is_planned(project: Project) -> None:
    people(project, 2)
    assert project.command("halt", "--json", "a", "--now").returncode == 2  # a halt goes by real time
    assert json.loads(project.command("halt", "--json").stdout) == {"halted": True, "reason": "halted by hand", "lifted": 0}
    for _ in range(2):
        run = project.command("run", "--now", NOW)
        assert (run.returncode, project.sink.arrived) == (3, [])
        assert "source articles: " in run.stdout
        assert [issue.state for issue in project.issues()] == ["draft"]
    sent = project.command("send", "weekly/1", "--now", NOW)
    assert (sent.returncode, project.issue("weekly/1").state) == (3, "draft")
    assert "all sending is halted: halted by hand" in sent.stderr
    assert "digest halt --lift" in sent.stderr
    dry = project.command("run", "--dry-run", "--now", NOW)
    assert (dry.returncode, "2 accepted" in dry.stdout) == (0, True)
    assert "BAD sending: all sending is halted" in project.command("doctor").stdout


def test_a_halt_that_outlasts_slots_brings_one_issue_and_not_a_flood(project: Project) -> None:
    people(project, 2)
    project.command("halt", "holidays")
    for weeks in range(3):
        assert project.code(MONDAY + weeks * WEEK) == 3
    assert project.command("halt", "--lift", "why").returncode == 2
    project.command("halt", "--lift")
    assert project.command("halt", "--lift").stdout == "nothing was halted\n"
    assert project.code(MONDAY + 2 * WEEK + timedelta(hours=1)) == 0
    assert project.read("u0@x.example") == [["a"]]

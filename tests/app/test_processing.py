"""Processing of reports: in any order, any number of times, by several at once, and whatever goes wrong in the middle."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from digest.app import App, hearing, processing
from digest.app.processing import any_waiting, process
from digest.app.receiving import Reception
from digest.delivery import reports
from digest.delivery.events import apply_events
from digest.delivery.providers.webhook import Posted
from digest.delivery.reports import NewReport, ReportState
from digest.issues.issue import Issue, find_issue
from digest.store import tables
from tests.journeys.project import MONDAY, Project, a_project
from tests.journeys.test_events import people
from tests.reporting import LISTENING, SENDGRID, distinct, entry, readers, states, stored

pytestmark = pytest.mark.usefixtures("database")
MANY = 12


@dataclass(slots=True)
class Desk:
    """A project with an issue that was sent to twelve, and where its reports come in."""

    project: Project
    app: App
    issue: Issue

    def put(self, *bodies: object, provider: str = "sendgrid") -> None:
        """What was posted, verified, and not yet read."""
        real = datetime.now(UTC)
        with self.app.store.writing() as connection:
            for body in bodies:
                raw = body if isinstance(body, bytes) else json.dumps(body).encode()
                reports.keep(connection, [NewReport(provider, real, raw, raw)])

    def entries(self, *kinds: str, **rest: Any) -> list[dict[str, Any]]:
        """So many events of everybody."""
        return [
            entry(self.app, self.issue, one, kind, MONDAY + timedelta(seconds=place), **rest)
            for one in readers(self.app, self.issue)
            for place, kind in enumerate(kinds)
        ]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with a_desk(tmp_path) as made:
        yield made


@contextmanager
def a_desk(folder: Path) -> Iterator[Desk]:
    with a_project(folder) as project:
        people(project, MANY)
        project.run(MONDAY)
        with project.app(MONDAY, **LISTENING) as app:
            with app.store.reading() as connection:
                issue = find_issue(connection, "weekly/1")
            yield Desk(project, app, issue)


def test_reports_are_applied_once_in_whatever_order_and_however_often_they_came(desk: Desk) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    draw = random.Random(seed)
    entries = desk.entries("processed", "delivered", "open")
    for _ in range(3):
        draw.shuffle(entries)
        cuts = sorted(draw.sample(range(1, len(entries)), 5))
        desk.put(*(entries[start:end] for start, end in zip([0, *cuts], [*cuts, len(entries)], strict=True)))
    done = process(desk.app)
    assert (done.faulty, done.applied.new) == (0, 3 * MANY)
    assert len(stored(desk.app)) == distinct(entries) == 3 * MANY
    assert set(states(desk.app)) == {"read"}
    assert not process(desk.app).any
    assert not any_waiting(desk.app)


def test_what_went_out_before_the_secret_was_changed_is_told_of_still(desk: Desk) -> None:
    env = (desk.project.folder / ".env").read_text(encoding="utf-8")
    secret = next(line.partition("=")[2].strip("\"' ") for line in env.splitlines() if line.startswith("DIGEST_SECRET_KEY"))
    changed = {"DIGEST_SECRET_KEY": "n" * 40, "DIGEST_FORMER_SECRET_KEYS": json.dumps([secret])}
    desk.put(desk.entries("bounce", type="bounce", reason="550 no such user"))
    with desk.project.app(MONDAY, **LISTENING, **changed) as app:
        done = process(app)
    assert (done.applied.new, done.applied.strange, done.applied.suppressed) == (MANY, 0, MANY)


def test_a_large_report_takes_several_transactions_and_is_finished_by_the_last(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processing, "_EVENTS", 5)
    desk.put(desk.entries("processed", "delivered"))
    applied = apply_events
    before: list[list[str]] = []

    def watched(*arguments: Any, **named: Any) -> Any:
        before.append(states(desk.app))  # as others see it
        return applied(*arguments, **named)

    monkeypatch.setattr(hearing, "apply_events", watched)
    assert process(desk.app).applied.new == 2 * MANY
    assert before == [["waiting"]] * 5
    assert states(desk.app) == ["read"]


def test_who_dies_in_the_middle_leaves_the_report_to_the_next(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processing, "_EVENTS", 5)
    desk.put(desk.entries("processed", "delivered"))
    applied, left = apply_events, [3]

    def dying(*arguments: Any, **named: Any) -> Any:
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt
        return applied(*arguments, **named)

    monkeypatch.setattr(hearing, "apply_events", dying)
    with pytest.raises(KeyboardInterrupt):
        process(desk.app)
    assert (len(stored(desk.app)), states(desk.app)) == (10, ["waiting"])
    done = process(desk.app)
    assert (done.applied.new, done.applied.repeated) == (2 * MANY - 10, 10)
    assert states(desk.app) == ["read"]


def test_two_at_once_apply_everything_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processing, "_EVENTS", 7)
    entries = desk.entries("processed", "delivered", "open")
    desk.put(*(entries[start : start + 3] for start in range(0, len(entries), 3)))
    done: list[processing.Processed] = []
    threads = [threading.Thread(target=lambda: done.append(process(desk.app))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(one.applied.new for one in done) == len(stored(desk.app)) == 3 * MANY
    assert sum(one.reports for one in done) == MANY
    assert set(states(desk.app)) == {"read"}


def test_a_report_that_a_defect_of_ours_stumbles_over_is_set_aside_and_those_around_it_are_applied(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two, three = (desk.entries("delivered")[place : place + 1] for place in range(3))
    desk.put(one, two, three)
    applied = apply_events

    def stumbling(connection: Any, events: Any, **named: Any) -> Any:
        if any(event.delivery_id == two[0]["delivery_id"] for event in events):
            raise RuntimeError("canary")
        return applied(connection, events, **named)

    monkeypatch.setattr(hearing, "apply_events", stumbling)
    assert process(desk.app).faulty == 1
    assert (states(desk.app), len(stored(desk.app))) == (["read", "faulty", "read"], 2)
    with desk.app.store.reading() as connection:
        (found,) = reports.newest(connection, [ReportState.FAULTY], 10)
    assert found.reason is not None
    assert "a defect of Digest (RuntimeError); please report it" in found.reason
    monkeypatch.undo()
    done = process(desk.app, again=True)
    assert (done.applied.new, states(desk.app)) == (1, ["read"] * 3)


def test_what_is_faulty_in_part_is_applied_in_part_and_shown_and_read_again_when_asked(desk: Desk) -> None:
    desk.put([*desk.entries("delivered"), 7, {"event": "moon"}, {"event": 3}], b"{broken")
    done = process(desk.app)
    assert (done.reports, done.faulty, done.applied.new) == (2, 2, MANY)
    said = desk.project.command("events", "list", "--json")
    listed = json.loads(said.stdout)
    assert (listed["counts"], listed["unknown"]) == ({"waiting": 0, "read": 0, "faulty": 2}, {"sendgrid": ["moon"]})
    broken, part = listed["reports"]
    assert (part["reason"], part["account"]["events"], part["account"]["faulty"]) == (
        "entry 12: is not an object, and 1 more",
        MANY,
        2,
    )
    assert broken["reason"].startswith("it is no JSON: ")
    lines = desk.project.command("events", "list").stdout
    assert "0 waiting, 0 read, 2 faulty" in lines
    assert "sendgrid also reports what Digest has no word for, and passes over: moon" in lines
    shown = desk.project.command("events", "show", str(broken["report"]))
    assert "{broken" in shown.stdout
    assert json.loads(desk.project.command("events", "show", str(part["report"]), "--json").stdout)["body"].endswith("]")
    assert desk.project.command("events", "show", "999").returncode == 2
    again = desk.project.command("events", "process", "--again")
    assert (again.returncode, "2 reports of providers: 12 known already" in again.stdout) == (1, True)
    assert "2 could not be read whole" in again.stderr
    assert desk.project.command("events", "process").stdout == "no report waits\n"
    assert "2 could not be read whole; `digest events list` says why" in desk.project.command("doctor", "--offline").stdout


def test_a_run_reads_what_came_before_it_sends_and_tells_and_a_dry_run_leaves_it(desk: Desk) -> None:
    desk.put(desk.entries("bounce", type="bounce", reason="550 no such user"))
    dry = desk.project.command("run", "--dry-run", "--now", (MONDAY + timedelta(days=1)).isoformat())
    assert (states(desk.app), "reports" in dry.stdout) == (["waiting"], False)
    said = desk.project.command("run", "--now", (MONDAY + timedelta(days=1)).isoformat())
    assert "1 report of providers: 12 new" in said.stdout
    assert "12 must not be mailed any more: they bounced, or complained" in said.stdout
    assert "hard bounces" in said.stderr  # and so all sending is halted
    assert states(desk.app) == ["read"]


def test_reports_are_forgotten_after_a_while_and_those_that_nobody_could_read_later_and_those_that_wait_never(desk: Desk) -> None:
    desk.put(desk.entries("delivered"), b"{broken")
    process(desk.app)
    desk.put([])

    def aged(days: int) -> list[str]:
        with desk.app.store.writing() as connection:
            connection.execute(update(tables.report).values(received_at=datetime.now(UTC) - timedelta(days=days)))
        processing._forget(desk.app)
        return states(desk.app)

    assert aged(29) == ["read", "faulty", "waiting"]
    assert aged(31) == ["faulty", "waiting"]
    assert aged(301) == ["waiting"]
    assert len(stored(desk.app)) == MANY  # what they told stays


def test_reports_that_told_of_somebody_are_forgotten_with_them(desk: Desk) -> None:
    mine, others = desk.entries("delivered")[:1], desk.entries("delivered")[1:]
    desk.put(mine, others)
    process(desk.app)
    assert desk.project.command("subscribers", "erase", "u0@x.example").returncode == 0
    with desk.app.store.reading() as connection:
        bodies = [reports.find(connection, one.id) for one in reports.newest(connection, ReportState, 10)[::-1]]
    assert [one is not None and one.body is None for one in bodies] == [True, False]
    shown = desk.project.command("events", "show", "1").stdout
    assert "what was posted is forgotten" in shown


def test_many_who_post_at_once_share_commits_and_none_is_answered_before_its_own(desk: Desk) -> None:
    reception = Reception(desk.app.settings, desk.app.store)
    bodies = [json.dumps([one]).encode() for one in desk.entries("processed", "delivered", "open")]
    missing: list[bytes] = []

    def post(body: bytes) -> None:
        now = datetime.now(UTC)
        headers = {name.lower(): text for name, text in SENDGRID.headers(body, now).items()}
        reception.receive("sendgrid", Posted(headers, body))
        with desk.app.store.reading() as connection:
            if body not in connection.execute(select(tables.report.c.body)).scalars().all():
                missing.append(body)

    threads = [threading.Thread(target=post, args=(body,)) for body in [*bodies, *bodies]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert missing == []
    assert len(states(desk.app)) == 3 * MANY

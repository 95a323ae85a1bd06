"""Runs over several newsletters, and what they come to: one that is in trouble stops only itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Event, Thread, Timer
from typing import Any

import pytest

from digest.app import App
from digest.app.issuing import change, named, resume
from digest.app.running import run, run_when_free
from digest.audience.people import subscribe
from digest.catalogue.articles import withdraw
from digest.cli.reports import exit_code_of_run, run_lines, run_report
from digest.errors import Busy, UsageError
from digest.issues.lifecycle import IssueState
from tests.journeys.project import BEGAN, MONDAY, Project, a_project, article, keys_in

pytestmark = pytest.mark.usefixtures("database")

SECOND = """

[[newsletters]]
slug = "deep"
title = "Deep Dives"
schedule = "0 9 * * 1"
timezone = "UTC"
max_articles = 20
max_per_topic = 10
min_articles = 1
approval = "automatic"
template = "deep"

[newsletters.topics]
python = { title = "Python", tags = ["python"] }
"""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Two newsletters about the same articles, each with a template of its own; Ann reads both, Bob the second."""
    with a_project(tmp_path) as made:
        file = tmp_path / "config" / "digest.toml"
        before, mark, after = file.read_text(encoding="utf-8").partition("\n[delivery]")
        file.write_text(before + SECOND + mark + after, encoding="utf-8")
        templates = tmp_path / "templates"
        (templates / "deep.mjml").write_bytes((templates / "weekly.mjml").read_bytes())
        if (templates / "weekly.txt").exists():
            (templates / "deep.txt").write_bytes((templates / "weekly.txt").read_bytes())
        with made.app(BEGAN) as app, app.store.writing() as connection:
            weekly, deep = app.settings.newsletters
            subscribe(connection, weekly, "ann@x.example", confirmed=True, now=BEGAN)
            subscribe(connection, deep, "ann@x.example", confirmed=True, now=BEGAN)
            subscribe(connection, deep, "bob@x.example", confirmed=True, now=BEGAN)
        made.offer(article("a"))
        yield made


def break_template(project: Project, name: str) -> None:
    file = project.folder / "templates" / f"{name}.mjml"
    good = file.read_text(encoding="utf-8")
    bad = "<mj-raw>{{ nothing.at.all }}</mj-raw>"
    file.write_text(good.replace('<mj-include path="partials/card.mjml" />', bad), encoding="utf-8")


def test_each_newsletter_sends_its_own_issue_and_who_reads_both_gets_an_article_once(project: Project) -> None:
    assert project.code() == 0
    assert sorted(issue.name for issue in project.issues()) == ["deep/1", "weekly/1"]
    assert project.account("weekly/1") == {"accepted": 1}
    assert project.account("deep/1") == {"accepted": 1, "skipped": 1}
    assert project.read("ann@x.example") == [["a"]]
    assert project.read("bob@x.example") == [["a"]]
    assert project.code(MONDAY + timedelta(minutes=5)) == 0
    assert len(project.sink.arrived) == 2


def test_a_run_of_one_newsletter_leaves_the_other_to_a_later_run(project: Project) -> None:
    with project.app(MONDAY) as app:
        run(app, "deep", lambda _: None)
    assert [issue.name for issue in project.issues()] == ["deep/1"]
    assert project.account("deep/1") == {"accepted": 2}
    project.run(MONDAY + timedelta(minutes=5))
    assert sorted(issue.name for issue in project.issues()) == ["deep/1", "weekly/1"]
    assert project.account("weekly/1") == {"skipped": 1}
    assert len(project.sink.arrived) == 2


def test_leaving_one_newsletter_is_not_leaving_the_other(project: Project) -> None:
    from digest.audience.finding import find_subscriber, subscriptions_of
    from digest.audience.leaving import end

    with project.app() as app, app.store.writing() as connection:
        person = find_subscriber(connection, "ann@x.example")
        assert person is not None
        one = next(s for s in subscriptions_of(connection, person.id) if s.newsletter == "weekly")
        end(connection, one.id, now=BEGAN)
    project.run()
    assert project.account("deep/1") == {"accepted": 2}
    assert len(project.mails("ann@x.example")) == 1


@pytest.mark.parametrize(("broken", "whole"), [("weekly", "deep"), ("deep", "weekly")])
def test_a_broken_template_of_one_newsletter_does_not_hold_the_other(project: Project, broken: str, whole: str) -> None:
    break_template(project, broken)
    assert project.code() == 3
    assert project.issue(f"{broken}/1").state == "held"
    assert project.account(f"{broken}/1") == {}
    assert project.issue(f"{whole}/1").state == "sent"


def test_a_paused_issue_is_said_by_every_run_and_the_other_newsletter_goes_on(project: Project) -> None:
    project.plan()
    with project.app() as app:
        change(app, named(app, "weekly/1"), IssueState.PAUSED, "test", "paused by hand")
    with project.app(MONDAY + timedelta(minutes=5)) as app:
        ran = run(app, None, lambda _: None)
    assert exit_code_of_run(ran) == 3
    lines = run_lines(ran, {}, dry_run=False)
    assert any("digest issues resume weekly/1" in line or "paused by hand" in line for line in lines)
    assert project.issue("deep/1").state == "sent"
    with project.app() as app:
        resume(app, named(app, "weekly/1"), "test")
    assert project.code(MONDAY + timedelta(minutes=10)) == 0
    assert project.account("weekly/1") == {"accepted": 1}


def test_the_report_of_a_run_names_every_issue_and_why(project: Project) -> None:
    break_template(project, "deep")
    report = run_report(project.run(), {}, dry_run=False)
    json.dumps(report, default=str)
    by_name = {one["issue"]: one for one in report["issues"]}
    assert set(by_name) == {"weekly/1", "deep/1"}
    assert "deep.mjml" in by_name["deep/1"]["reason"]
    assert by_name["weekly/1"]["account"]["accepted"] == 1
    assert sum(by_name["weekly/1"]["account"].values()) == by_name["weekly/1"]["audience"] == 1


def test_which_newsletter_is_asked_where_there_are_several(project: Project) -> None:
    with project.app() as app, pytest.raises(UsageError, match="--newsletter"):
        app.the_newsletter(None)
    with project.app() as app, pytest.raises(UsageError, match="there is no newsletter 'nowhere'"):
        app.newsletters("nowhere")


def test_two_slots_of_one_time_are_two_issues_and_each_reader_gets_one_mail_of_each_frequency(tmp_path: Path) -> None:
    with a_project(tmp_path) as project:
        project.configure('schedule = "0 9 * * 1"', 'schedule = { weekly = "0 9 * * 1", daily = "0 9 * * *" }')
        project.join("ann@x.example", frequency="weekly")
        project.join("dan@x.example", frequency="daily")
        project.offer(article("a"))
        project.run(MONDAY)
        project.run(MONDAY)
        names = {(issue.name, issue.frequency) for issue in project.issues()}
        assert {frequency for _, frequency in names} == {"weekly", "daily"}
        assert {name for name, _ in names} == {"weekly/1", "weekly/2"}
        for email in ("ann@x.example", "dan@x.example"):
            assert [keys_in(mail) for mail in project.mails(email)] == [["a"]]


def test_a_held_issue_that_comes_to_nothing_when_it_is_drafted_again_is_said(tmp_path: Path) -> None:
    with a_project(tmp_path) as project:
        project.join("ann@x.example")
        project.offer(article("a"))
        template = tmp_path / "templates" / "weekly.mjml"
        good = template.read_text(encoding="utf-8")
        break_template(project, "weekly")
        assert project.code() == 3
        template.write_text(good, encoding="utf-8")
        with project.app() as app, app.store.writing() as connection:
            withdraw(connection, "https://backend.example/a", MONDAY)
        (handled,) = project.run(MONDAY + timedelta(hours=1)).handled
        assert handled.issue.state == "skipped"
        assert "no article qualified" in handled.note
        assert project.sink.connections == 0


def test_a_run_waits_for_another_one_as_long_as_it_is_told_and_then_finds_what_is_left(project: Project) -> None:
    project.join("zoe@x.example")
    project.offer(article("a"))
    held, ended = Event(), Event()

    def another(app: App) -> None:
        with app.run_lock():
            held.set()
            ended.wait(30)

    with project.app() as app, project.app() as other:
        thread = Thread(target=another, args=(other,))
        thread.start()
        held.wait(30)
        quietly: dict[str, Any] = {"on_progress": lambda _: None, "on_read": lambda _: None, "clock": lambda: MONDAY}
        with pytest.raises(Busy):
            run_when_free(app, None, patience=timedelta(0), **quietly)
        Timer(0.1, ended.set).start()
        ran = run_when_free(app, None, patience=timedelta(seconds=30), **quietly)
        thread.join()
    assert {one.issue.state for one in ran.handled} == {IssueState.SENT}
    assert project.read("zoe@x.example") == [["a"]]


def test_how_long_to_wait_has_a_unit(project: Project) -> None:
    said = project.command("run", "--wait", "10")
    assert (said.returncode, "--wait: '10' is not a duration" in said.stderr) == (2, True)

"""Metrics: who may read them, what they say, and that rules and dashboard ask for nothing else."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import insert
from starlette.testclient import TestClient

from digest.app import App
from digest.app.measuring import Measurer
from digest.delivery.halting import halt
from digest.insights.measures import Family, Memory
from digest.shipped import shipped
from digest.store import tables
from digest.testing.smtp_sink import Now, React
from digest.web.application import make_application
from tests.journeys.project import MONDAY, WEEK, Project, a_project, article
from tests.web.conftest import HOST, Pages, pages_of

TOKEN = "a-token-for-the-instruments"  # of the tests
HERE = ("127.0.0.1", 50000)
CONFIG = shipped("config")


def client(pages: Pages, base: str = "http://127.0.0.1:8000", at: tuple[str, int] = HERE) -> TestClient:
    return TestClient(make_application(pages.app.settings, pages.app.store, lambda: pages.times[-1]), base_url=base, client=at)


def read(text: str) -> dict[tuple[str, ...], float]:
    """Every sample, by its name and the values of its labels, in the order of their names."""
    return {
        (sample.name.removeprefix("digest_"), *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def scraped(pages: Pages) -> dict[tuple[str, ...], float]:
    got = client(pages).get("/metrics")
    assert got.status_code == 200
    assert got.headers["content-type"].startswith("text/plain; version=0.0.4")
    return read(got.text)


@pytest.mark.sqlite
def test_without_a_token_it_is_for_this_machine_alone_and_nothing_that_a_proxy_passes_on(pages: Pages) -> None:
    assert client(pages).get("/metrics").status_code == 200
    assert client(pages, HOST).get("/metrics").status_code == 404
    assert client(pages, at=("203.0.113.7", 1)).get("/metrics").status_code == 404
    for header in ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"):
        assert client(pages).get("/metrics", headers={header: "203.0.113.7"}).status_code == 404
    assert client(pages).post("/metrics").status_code == 405


@pytest.mark.sqlite
def test_with_a_token_it_is_for_whoever_says_it_and_for_nobody_else(project: Project) -> None:
    with pages_of(project, DIGEST_METRICS__TOKEN=TOKEN) as pages:
        asking = client(pages, "http://10.0.0.7:8000", ("203.0.113.7", 1))  # by its number, as in a container
        assert asking.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
        for said in ("", "Bearer", f"Bearer {TOKEN}x", f"Basic {TOKEN}", f"bearer {TOKEN[:-1]}", "Bearer é"):
            assert asking.get("/metrics", headers={b"Authorization": said.encode()}).status_code == 404
        assert client(pages).get("/metrics").status_code == 404


@pytest.mark.sqlite
def test_a_short_token_is_refused(project: Project) -> None:
    got = project.command("config", "check", DIGEST_METRICS__TOKEN="short")
    assert (got.returncode, "metrics.token" in got.stderr, "short" in got.stderr) == (2, True, False)


def test_it_tells_of_a_whole_week(tmp_path: Path) -> None:
    def no_bob(now: Now) -> React | None:
        return React("550 5.1.1 nobody of that name") if now.moment == "RCPT" and "bob@" in now.line else None

    with a_project(tmp_path, no_bob) as project:
        project.join("ann@x.example")
        project.join("bob@x.example")
        project.offer(article("a"))
        _tells_of_a_week(project)


def _tells_of_a_week(project: Project) -> None:
    before = MONDAY - timedelta(hours=1)
    with pages_of(project, before) as pages:
        told = scraped(pages)
        assert told[("subscriptions", "weekly", "weekly", "active")] == 2
        assert told[("slot_next_timestamp_seconds", "weekly", "weekly")] == MONDAY.timestamp()
        assert told[("slot_overdue_seconds", "weekly", "weekly")] == 0
        assert not any(name.startswith("run_last") for name, *_ in told)
    with pages_of(project, MONDAY + timedelta(hours=2)) as pages:
        assert scraped(pages)[("slot_overdue_seconds", "weekly", "weekly")] == 7200
    project.run(MONDAY + timedelta(minutes=5))
    with pages_of(project, MONDAY + timedelta(hours=2)) as pages:
        told = scraped(pages)
        assert told[("issue_deliveries", "1", "weekly", "accepted")] == 1
        assert told[("issue_deliveries", "1", "weekly", "rejected")] == 1
        assert sum(value for labels, value in told.items() if labels[0] == "issue_deliveries") == 2
        assert told[("issue_answers", "accepted", "1", "weekly", "smtp")] == 1
        assert told[("issue_answers", "rejected", "1", "weekly", "smtp")] == 1
        assert told[("slot_overdue_seconds", "weekly", "weekly")] == 0
        assert told[("slot_lateness_seconds", "weekly", "weekly")] == 300
        assert told[("queue_age_seconds", "weekly")] == told[("unknown_deliveries", "weekly")] == 0
        assert told[("source_failing", "articles")] == 0
        assert told[("run_last_success_timestamp_seconds",)] == told[("run_last_timestamp_seconds",)] > 0
        assert told[("sending_halted",)] == told[("sending_unconfirmed",)] == 0


def test_it_tells_of_what_is_wrong(project: Project) -> None:
    project.offer(article("a"))
    project.plan(MONDAY)
    (project.folder / "articles.json").write_text("not JSON", encoding="utf-8")
    with project.app(MONDAY) as app, app.store.writing() as connection:
        halt(connection, "a reason", "somebody", MONDAY)
        connection.execute(
            insert(tables.report).values(provider="ses", received_at=MONDAY, fingerprint="f", body=b"x", state="waiting")
        )
        connection.execute(
            insert(tables.letter).values(
                kind="move to", about=1, email="x@x.example", address="x@x.example", language="en", created_at=MONDAY,
                state="waiting", attempts=0, not_before=MONDAY,
            )
        )  # fmt: skip
    project.run(MONDAY + timedelta(minutes=20))
    with pages_of(project, MONDAY + timedelta(hours=1)) as pages:
        told = scraped(pages)
    assert told[("sending_halted",)] == 1
    assert told[("source_failing", "articles")] == 1
    assert told[("reports_faulty", "ses")] == 1  # the run has read it
    assert told[("letters_waiting", "move_to")] == 1
    assert told[("letters_age_seconds",)] > 0
    assert told[("run_last_success_timestamp_seconds",)] < told[("run_last_timestamp_seconds",)]


def test_what_was_restored_is_told(project: Project) -> None:
    assert project.command("backup", "kept").returncode == 0
    assert project.command("restore", "kept", "--replace").returncode == 0
    with pages_of(project) as pages:
        assert scraped(pages)[("sending_unconfirmed",)] == 1


@pytest.mark.sqlite
def test_it_names_no_reader(project: Project) -> None:
    project.offer(article("a"))
    project.run(MONDAY)
    with pages_of(project) as pages:
        got = client(pages).get("/metrics").text
    assert "@" not in got
    assert re.search(r"\b(ann|bob)\b", got) is None


@pytest.mark.sqlite
def test_who_asks_often_is_answered_from_one_measuring(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[int] = []

    def measure(_: App, __: Memory) -> list[Family]:
        measured.append(1)
        return []

    monkeypatch.setattr("digest.app.measuring._measured", measure)
    with project.app() as app:
        measurer = Measurer()
        for _ in range(5):
            measurer.measure(app)
        assert len(measured) == 1
        Measurer(fresh=0).measure(app)
    assert len(measured) == 2


def expressions() -> dict[str, str]:
    """What the rules and the dashboard ask, by where."""
    rules = yaml.safe_load((CONFIG / "prometheus" / "alerts.yml").read_text(encoding="utf-8"))
    dashboard = json.loads((CONFIG / "grafana" / "dashboard.json").read_text(encoding="utf-8"))
    found = {rule["alert"]: rule["expr"] for group in rules["groups"] for rule in group["rules"]}
    found |= {panel["title"]: one["expr"] for panel in dashboard["panels"] for one in panel["targets"]}
    return found


def known(pages: Pages) -> dict[str, set[str]]:
    """Every measure that there is, with its labels."""
    return {f"digest_{one.name}": set(one.labels) for one in Measurer().measure(pages.app)}


@pytest.mark.sqlite
def test_rules_and_dashboard_ask_for_what_there_is_and_by_labels_that_it_has(pages: Pages) -> None:
    measures = known(pages)
    for where, expression in expressions().items():
        asked = re.findall(r"digest_\w+", expression)
        assert set(asked) <= set(measures), where
        labels = set(re.findall(r'(\w+)\s*=~?\s*"', expression)) - {"job"}
        for group in re.findall(r"by \(([^)]*)\)", expression):
            labels |= {one.strip() for one in group.split(",")}
        assert labels <= set().union(*(measures[one] for one in asked)), where
    rules = yaml.safe_load((CONFIG / "prometheus" / "alerts.yml").read_text(encoding="utf-8"))["groups"][0]["rules"]
    for rule in rules:
        asked = re.findall(r"digest_\w+", rule["expr"])
        named = set(re.findall(r"\$labels\.(\w+)", json.dumps(rule["annotations"])))
        assert named <= set().union(*(measures[one] for one in asked)) if asked else not named, rule["alert"]
        assert set(rule) == {"alert", "expr", "for", "labels", "annotations"}


def test_promtool_finds_nothing_wrong_with_rules_and_metrics(project: Project) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        assert os.environ.get("CI") != "true", "promtool is missing, and CI must have it"
        pytest.skip("promtool is not installed; the rules were read without it")
    project.offer(article("a"))
    project.run(MONDAY)
    with pages_of(project, MONDAY + WEEK) as pages:
        text = client(pages).get("/metrics").content
    for command, given in ((["check", "rules", str(CONFIG / "prometheus" / "alerts.yml")], b""), (["check", "metrics"], text)):
        done: Any = subprocess.run([promtool, *command], input=given, capture_output=True, check=False)
        assert done.returncode == 0, (done.stdout, done.stderr)


@pytest.mark.sqlite
def test_every_measure_is_written_of_in_the_how_to(pages: Pages) -> None:
    page = Path("docs/how-to/watching.md").read_text(encoding="utf-8")
    assert [one for one in known(pages) if one not in page] == []

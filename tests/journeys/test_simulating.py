"""`digest simulate` foretells what runs then do, compares rules, and leaves everything as it was."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from digest.app.fetching import fetch
from tests.journeys.project import BEGAN, MONDAY, WEEK, Project, article

SPAN = ("--from", "2026-11-21", "--to", "2026-12-15")


def offered() -> list[dict[str, Any]]:
    """Three weeks of articles."""
    days = (0, 1, 2, 4, 5, 6, 7, 12, 20)
    return [article(f"n{day}", at=BEGAN + timedelta(days=day, hours=13)) for day in days]


def simulated(project: Project, *more: str) -> dict[str, Any]:
    """The report as data."""
    said = project.command("simulate", "weekly", *SPAN, "--json", *more)
    assert said.returncode == 0, said.stderr
    return dict(json.loads(said.stdout))


def test_a_simulation_foretells_the_issues_that_weekly_runs_then_make(project: Project) -> None:
    project.configure("max_articles = 20", "max_articles = 2")
    project.join("ann@x.example")
    project.offer(*offered())
    weeks = [MONDAY + week * WEEK for week in range(4)]
    for at in weeks:
        project.run(at)
    made = [len(keys) for keys in project.read("ann@x.example")]
    run = simulated(project)["runs"][0]
    assert [slot["articles"] for slot in run["slots"]] == made
    assert [slot["reached"] for slot in run["slots"]] == [1] * len(made)


def test_a_simulation_changes_nothing(project: Project) -> None:
    project.join("ann@x.example")
    project.offer(*offered())
    with project.app(MONDAY) as app:
        fetch(app)
    before = project.folder.joinpath("digest.db")
    held = before.read_bytes() if before.exists() else b""
    assert simulated(project)["runs"][0]["totals"]["issues"] == 4
    assert project.issues() == []
    assert (before.read_bytes() if before.exists() else b"") == held


def test_two_rule_sets_are_compared_in_a_table_and_in_a_report(project: Project) -> None:
    project.offer(*offered())
    with project.app(MONDAY + 4 * WEEK) as app:
        fetch(app)
    file = project.folder / "config" / "digest.toml"
    other = project.folder / "other.toml"
    other.write_text(file.read_text(encoding="utf-8").replace("min_articles = 1", "min_articles = 3"), encoding="utf-8")
    said = project.command("simulate", "weekly", *SPAN, "--against", "other.toml", "--out", "report.html")
    assert said.returncode == 0, said.stderr
    assert "nobody is subscribed" in said.stdout
    assert "weekly, these rules: 4 slots, 4 issues" in said.stdout
    assert "weekly, other.toml: 4 slots, 2 issues, 2 skipped" in said.stdout
    shown = (project.folder / "report.html").read_text(encoding="utf-8")
    assert "other.toml" in shown
    assert "only 2 articles qualified and min_articles is 3" in shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--from", "yesterday", "--to", "2026-12-01"), "--from: 'yesterday' is not a date; write it as 2026-01-31"),
        (("--from", "2026-12-02", "--to", "2026-12-01"), "--from 2026-12-02 is after --to 2026-12-01; turn them around"),
        (("--from", "2001-01-01", "--to", "2026-12-01"), "longer than ten years"),
        (("--from", "0001-01-01", "--to", "2026-12-01"), "the year 1 is out of reach"),
        ((*SPAN, "--out", "nowhere/report.html"), "--out nowhere/report.html: cannot be written: No such file or directory"),
        ((*SPAN, "--against", "none.toml"), "none.toml: no such file"),
    ],
)
def test_what_cannot_be_simulated_is_said_in_one_line(project: Project, arguments: tuple[str, ...], said: str) -> None:
    refused = project.command("simulate", "weekly", *arguments)
    assert refused.returncode == 2
    assert said in refused.stderr
    assert len(refused.stderr.splitlines()) == 1

"""What providers told of an issue: unique and in all, by rendition, topic and article, robots apart, and nothing where nothing is known."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from digest.app.hearing import hear
from digest.delivery.providers.sendgrid_events import read_events
from tests.journeys.project import BEGAN, MONDAY, Project, a_project, article
from tests.reporting import entry, readers

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """An issue of three articles that went out: to ann all of it, to bob what is about Python, to cem what is about databases."""
    with a_project(tmp_path) as made:
        made.join("ann@x.example")
        made.join("bob@x.example", "python")
        made.join("cem@x.example", "databases")
        made.offer(
            article("a"), article("b", tags=("databases",)), article("c", tags=("databases",), at=BEGAN - timedelta(days=1))
        )
        made.run(MONDAY)
        yield made


def tell(project: Project, *told: tuple[int, str, int, dict[str, Any]]) -> None:
    """What SendGrid reports: of which reader, what, how many seconds after the issue, and what else."""
    with project.app() as app:
        issue = project.issue("weekly/1")
        who = readers(app, issue)
        entries = [
            entry(app, issue, who[reader], kind, MONDAY + timedelta(seconds=after), **rest) for reader, kind, after, rest in told
        ]
        assert hear(app, read_events(entries), "sendgrid").strange == 0


def engagement(project: Project) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(project.command("stats", "weekly/1", "--json").stdout)
    assert {"issue", "state", "audience", "account"} <= found.keys()
    part: dict[str, Any] = found["engagement"]
    return part


ANN, BOB, CEM = 0, 1, 2
A, B = {"url": "https://backend.example/a?utm_source=x"}, {"url": "https://backend.example/b"}
OTHER = {"url": "https://elsewhere.example/x"}


def test_before_anything_is_reported_nothing_is_known_and_no_zero_is_told(project: Project) -> None:
    found = engagement(project)
    assert found["heard"] is False
    assert set(found["whole"].values()) == {None}
    assert (found["articles"], found["other_links"]) == ([], None)
    assert sorted(one["mails"] for one in found["renditions"]) == [1, 1, 1]
    assert "nothing was reported of what became of the mails" in project.command("stats", "weekly/1").stdout


def test_without_opens_and_clicks_that_is_said_and_what_is_known_is_counted(project: Project) -> None:
    tell(project, (ANN, "delivered", 1, {}), (BOB, "delivered", 2, {}), (CEM, "bounce", 3, {"type": "blocked"}))
    whole = engagement(project)["whole"]
    assert (whole["delivered"], whole["bounced"]) == ({"unique": 2, "total": 2}, {"unique": 1, "total": 1})
    assert whole["complained"] == whole["unsubscribed"] == {"unique": 0, "total": 0}
    assert whole["opened"] is whole["clicked"] is None
    said = project.command("stats", "weekly/1").stdout
    assert "delivered 2, bounced 1, complained 0, unsubscribed 0" in said
    assert "opens and clicks: not known; tracking is off, or the provider does not tell" in said


def test_opens_and_clicks_are_counted_by_reader_and_in_all_by_topic_article_and_rendition(project: Project) -> None:
    tell(
        project,
        *((reader, "delivered", 0, {}) for reader in (ANN, BOB, CEM)),
        *((ANN, "open", after, {}) for after in (60, 70, 80)),
        (BOB, "open", 60, {}),
        (ANN, "click", 100, A),
        (ANN, "click", 200, A),
        (ANN, "click", 300, B),
        (ANN, "click", 400, OTHER),
        (CEM, "click", 500, B),
    )
    found = engagement(project)
    none = {"unique": 0, "total": 0}
    assert found["whole"]["opened"] == {"unique": 2, "total": 4, "robots": none}
    assert found["whole"]["clicked"] == {"unique": 2, "total": 5, "robots": none}
    assert [(one["title"], one["mails"], one["clicked"]["unique"], one["clicked"]["total"]) for one in found["articles"]] == [
        ("Title b", 2, 2, 2),
        ("Title a", 2, 1, 2),
        ("Title c", 2, 0, 0),
    ]
    assert found["other_links"] == {"unique": 1, "total": 1, "robots": none}
    topics = {
        one["topic"]: (one["mails"], one["delivered"]["unique"], one["opened"]["total"], one["clicked"]["total"])
        for one in found["topics"]
    }
    assert topics == {"databases": (2, 2, 3, 2), "python": (2, 2, 4, 2)}
    assert sorted((one["mails"], one["opened"]["total"], one["clicked"]["total"]) for one in found["renditions"]) == [
        (1, 0, 1),
        (1, 1, 0),
        (1, 3, 4),
    ]
    said = project.command("stats", "weekly/1").stdout
    assert "clicked by 2, 5 times\n" in said
    assert "databases: 2 mails, clicked by 2, 2 times" in said
    assert "Title b: clicked by 2, 2 times" in said


def test_robots_are_told_apart_and_are_nobodys_reading(project: Project) -> None:
    tell(
        project,
        (ANN, "delivered", 0, {}),
        (ANN, "open", 60, {"sg_machine_open": True}),
        (BOB, "delivered", 0, {}),
        (BOB, "click", 30, A),
        (BOB, "click", 30, OTHER),
        (BOB, "open", 31, {}),
        (BOB, "open", 600, {}),
        (CEM, "open", 600, {"sg_machine_open": False}),
    )
    whole = engagement(project)["whole"]
    assert whole["opened"] == {"unique": 2, "total": 2, "robots": {"unique": 1, "total": 2}}
    assert whole["clicked"] == {"unique": 0, "total": 0, "robots": {"unique": 1, "total": 2}}
    assert "clicked by 0, 0 times; likely by robots alone: 1" in project.command("stats", "weekly/1").stdout


def test_two_links_clicked_in_one_second_are_two_clicks_and_a_repetition_is_none(project: Project) -> None:
    for _ in range(2):
        tell(project, (ANN, "click", 30, A), (ANN, "click", 30, B))
    assert engagement(project)["whole"]["clicked"]["robots"]["total"] == 2

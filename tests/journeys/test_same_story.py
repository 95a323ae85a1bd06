"""Two sources tell the same story: it comes once, with a link to the other, and never again by the other's door."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from digest.delivery.withdrawal import withdraw
from tests.journeys.project import BEGAN, MONDAY, WEEK, Project, a_project, article

DAY = timedelta(days=1)
TITLE = "Postgres 18 ships with asynchronous reads"


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """One whose second source is the Wire."""
    with a_project(tmp_path) as made:
        made.configure("[[newsletters]]", '[[sources]]\nname = "wire"\nkind = "json"\npath = "wire.json"\n\n[[newsletters]]')
        wire(made)
        yield made


def wire(project: Project, *articles: dict[str, Any]) -> None:
    """What the Wire offers; its articles stand elsewhere."""
    moved = [one | {"url": f"https://www.wire.example/{one['id']}"} for one in articles]
    (project.folder / "wire.json").write_text(json.dumps(moved), encoding="utf-8")


def texts(project: Project, email: str) -> list[str]:
    """The plain text of every mail of somebody."""
    parts = [mail.get_body(("plain",)) for mail in project.mails(email)]
    return [part.get_content().replace("\r\n", "\n") for part in parts if part is not None]


def explained(project: Project, name: str, email: str) -> dict[str, dict[str, Any]]:
    said = project.command("explain", name, "--subscriber", email, "--json")
    return {one["reason"]: one for one in json.loads(said.stdout)["articles"]}


def test_a_story_of_two_sources_comes_once_with_a_link_to_the_other(project: Project) -> None:
    project.join("ann@x.example", "python")
    project.offer(article("a", title=TITLE, at=BEGAN + DAY))
    wire(project, article("w", title=f"{TITLE}!", at=BEGAN))
    project.run(MONDAY)
    assert project.read("ann@x.example") == [["a"]]
    (mail,) = project.mails("ann@x.example")
    assert "Also at wire.example\nhttps://www.wire.example/w\n" in texts(project, "ann@x.example")[0]
    html = mail.get_body(("html",))
    assert html is not None
    assert 'Also at <a href="https://www.wire.example/w"' in html.get_content()
    told = explained(project, "weekly/1", "ann@x.example")["same_story"]
    assert told["sentence"].endswith(f"it tells the same story as “{TITLE}”, which is in it.")
    assert told["instead"] == explained(project, "weekly/1", "ann@x.example")["new"]["article"]


def test_the_other_one_does_not_come_next_week_to_who_got_the_story_and_does_to_who_did_not(project: Project) -> None:
    project.join("ann@x.example", "python")
    project.join("bob@x.example", "career")
    project.offer(article("a", title=TITLE, at=BEGAN + 2 * DAY), article("x", tags=("career",)))
    project.run(MONDAY)
    project.join("bob@x.example", "python")
    project.offer(article("n", at=MONDAY))
    wire(project, article("w", title=TITLE, at=BEGAN + 3 * DAY))
    project.run(MONDAY + WEEK)
    assert "https://www.wire.example/w" not in "".join(texts(project, "ann@x.example"))
    assert "\nhttps://www.wire.example/w\n" in texts(project, "bob@x.example")[1]
    told = explained(project, "weekly/2", "ann@x.example")["same_story"]
    assert told["sentence"].endswith(f"it tells the same story as “{TITLE}”, which they have been sent.")


def test_one_address_at_two_sources_is_one_article_whatever_its_titles(project: Project) -> None:
    project.join("ann@x.example", "python")
    project.offer(article("a", title="As its own site calls it"))
    shared = article("w", title="As somebody else calls it", url="https://backend.example/a?utm_source=wire#top")
    (project.folder / "wire.json").write_text(json.dumps([shared]), encoding="utf-8")
    project.run(MONDAY)
    project.run(MONDAY + WEEK)
    assert project.read("ann@x.example") == [["a"]]
    assert "Also at" not in texts(project, "ann@x.example")[0]


def test_further_apart_than_configured_they_are_two_stories(project: Project) -> None:
    project.configure("min_articles = 1", 'min_articles = 1\nsame_story = "12h"')
    project.join("ann@x.example", "python")
    project.offer(article("a", title=TITLE, at=BEGAN + DAY))
    wire(project, article("w", title=TITLE, at=BEGAN))
    project.run(MONDAY)
    assert "Also at" not in texts(project, "ann@x.example")[0]
    assert set(explained(project, "weekly/1", "ann@x.example")) == {"new"}


def test_when_the_other_one_is_withdrawn_its_link_goes_and_when_the_shown_one_is_the_other_comes(project: Project) -> None:
    project.join("ann@x.example", "python")
    project.offer(article("a", title=TITLE, at=BEGAN + DAY), article("b", title="Queues that drain: a long look", at=BEGAN))
    wire(project, article("w", title=TITLE, at=BEGAN), article("v", title="Queues that drain: a long look", at=BEGAN - DAY))
    now = MONDAY.isoformat()
    assert project.command("issues", "draft", "weekly", "--now", now).returncode == 0
    assert project.command("issues", "approve", "weekly/1", "--now", now).returncode == 0
    for key in ("w", "b"):
        with project.app() as app, app.store.writing() as connection:
            withdraw(connection, key, actor="editor", now=MONDAY)
    project.run(MONDAY)
    assert project.read("ann@x.example") == [["a"]]
    assert "wire.example" not in texts(project, "ann@x.example")[0]
    project.run(MONDAY + WEEK)
    assert "\nhttps://www.wire.example/v\n" in texts(project, "ann@x.example")[1]


def test_a_simulation_foretells_what_runs_make_of_stories(project: Project) -> None:
    project.join("ann@x.example", "python")
    project.offer(article("a", title=TITLE, at=BEGAN + DAY), article("n", at=MONDAY + DAY))
    wire(project, article("v", title=TITLE, at=MONDAY + timedelta(hours=1)))
    for week in range(2):
        project.run(MONDAY + week * WEEK)
    span = ("--from", "2026-11-21", "--to", "2026-12-01")
    said = project.command("simulate", "weekly", *span, "--json")
    slots = json.loads(said.stdout)["runs"][0]["slots"]
    assert [slot["articles"] for slot in slots] == [1, 1]
    shown = [json.loads(project.command("issues", "show", f"weekly/{number}", "--json").stdout) for number in (1, 2)]
    chosen = [[one["title"] for one in issue["decisions"] if one["reason"] == "new"] for issue in shown]
    assert chosen == [[TITLE], ["Title n"]]
    assert len(texts(project, "ann@x.example")) == 2

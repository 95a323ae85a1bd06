"""`digest articles`: what is in the catalogue, and what an editor says of it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.journeys.project import MONDAY, Project, article

NOW = MONDAY.isoformat()


@pytest.fixture
def fetched(project: Project) -> Project:
    """The project, its catalogue filled."""
    assert project.command("articles", "fetch", "--now", NOW).returncode == 0
    return project


def listed(project: Project) -> list[dict[str, Any]]:
    got = project.command("articles", "list", "--json")
    assert got.returncode == 0, got.stderr
    found = json.loads(got.stdout)
    assert isinstance(found, list)
    return found


def test_fetching_says_what_is_new_and_then_that_nothing_is(project: Project) -> None:
    project.offer(article("a"), article("b"), article("later", at=MONDAY + timedelta(days=1)))
    first = json.loads(project.command("articles", "fetch", "--now", NOW, "--json").stdout)
    (source,) = first["sources"]
    assert (source["new"], source["waiting"], source["error"], source["faults"]) == (2, 1, None, [])
    assert project.command("articles", "fetch", "--now", NOW).stdout == "source articles: nothing new\n"
    next_day = json.loads(
        project.command("articles", "fetch", "--now", (MONDAY + timedelta(days=2)).isoformat(), "--json").stdout
    )
    assert next_day["released"] == 1


@pytest.mark.parametrize("name", ["1", "a", "https://backend.example/a", "https://backend.example/a?utm_source=x"])
def test_an_article_is_found_by_its_number_its_id_and_its_address(fetched: Project, name: str) -> None:
    assert fetched.command("articles", "feature", name).returncode == 0
    assert [one["title"] for one in listed(fetched) if one["featured"]] == ["Title a"]
    off = fetched.command("articles", "feature", name, "--off", "--json")
    assert (off.returncode, json.loads(off.stdout)["featured"]) == (0, False)
    assert [one for one in listed(fetched) if one["featured"]] == []


def test_what_an_editor_featured_leads_and_what_they_unfeatured_does_not_whatever_the_source_says(fetched: Project) -> None:
    fetched.offer(article("a"), article("b", tags=("databases",), featured=True), article("c", tags=("security",)))
    fetched.command("articles", "fetch", "--now", NOW)
    fetched.command("articles", "feature", "c")
    fetched.command("articles", "feature", "b", "--off")
    fetched.run(MONDAY)
    assert fetched.reasons("weekly/1") == {"Title a": "new", "Title b": "new", "Title c": "featured"}
    assert fetched.read("ann@x.example")[0][0] == "c"


def test_a_withdrawn_article_is_listed_as_such_and_left_out(fetched: Project) -> None:
    got = fetched.command("articles", "withdraw", "a", "--now", NOW)
    assert (got.returncode, got.stdout) == (0, "article 1 is withdrawn: Title a\n")
    assert [one["title"] for one in listed(fetched) if one["withdrawn"]] == ["Title a"]
    assert "withdrawn: Title a" in fetched.command("articles", "list").stdout
    fetched.run(MONDAY)
    assert fetched.read("ann@x.example") == [["b"]]
    assert fetched.mails("bob@x.example") == []


@pytest.mark.parametrize("verb", ["feature", "withdraw"])
@pytest.mark.parametrize("name", ["99", "nothing", "https://nowhere.example/x", "", "-1", "9" * 40])
def test_an_article_that_is_not_there_is_wrong_usage(fetched: Project, verb: str, name: str) -> None:
    got = fetched.command("articles", verb, "--", name)
    assert got.returncode == 2
    (line,) = got.stderr.splitlines()
    assert "no article is known as" in line


def test_control_characters_of_a_source_do_not_reach_the_terminal(project: Project) -> None:
    project.offer(
        article("a", title="\x1b[31mred\x07 \u202eback", url="https://backend.example/a"), {"title": "\x1b[2J", "url": 5}
    )
    got = project.command("articles", "fetch", "--now", NOW)
    shown = got.stdout + got.stderr + project.command("articles", "list").stdout
    assert all(character.isprintable() or character in "\t\n" for character in shown)


def test_a_feed_that_was_outrun_is_told_and_is_no_failure(project: Project) -> None:
    project.configure(
        'name = "articles"\nkind = "json"\npath = "articles.json"', 'name = "articles"\nkind = "feed"\npath = "articles.json"'
    )
    for names in ("ab", "cd"):
        items = [{"id": name, "url": f"https://backend.example/{name}", "title": name} for name in names]
        (project.folder / "articles.json").write_text(json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": items}))
        done = project.command("articles", "fetch", "--now", NOW)
        assert done.returncode == 0
    assert done.stderr == (
        "source articles: shows nothing that was known: there may be articles that came and went between two fetches;"
        " fetch it more often\n"
    )
    assert "nothing that was known" not in project.command("articles", "fetch", "--now", NOW).stderr

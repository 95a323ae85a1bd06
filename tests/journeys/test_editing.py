"""An editor pins articles in an issue, leaves some out and puts them back; what goes out is what was approved last."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select

from digest.store import tables
from tests.journeys.project import BEGAN, MONDAY, WEEK, Project, Said, article

NOW = MONDAY.isoformat()


def ok(said: Said) -> Said:
    assert said.returncode == 0, said.stderr
    return said


def history(project: Project, name: str) -> list[str]:
    """The reasons in an issue's history."""
    row = tables.issue_history.c
    query = select(row.reason).where(row.issue_id == project.issue(name).id, row.reason.is_not(None)).order_by(row.id)
    with project.app() as app, app.store.reading() as connection:
        return list(connection.execute(query).scalars())


def test_a_draft_with_pins_goes_out_as_it_was_made_and_what_was_left_out_does_not_come_back(project: Project) -> None:
    project.configure("max_articles = 20", "max_articles = 2")
    project.join("ann@x.example", "python")
    project.offer(*(article(key) for key in "abcd"))
    ok(project.command("issues", "draft", "weekly", "--pin", "c", "--pin", "a", "--exclude", "d", "--now", NOW))
    assert history(project, "weekly/1") == ["pinned “Title c”, “Title a”", "left out “Title d”"]
    project.run(MONDAY)
    assert project.read("ann@x.example") == [["c", "a"]]
    said = project.command("explain", "weekly/1", "--subscriber", "ann@x.example", "--json")
    reasons = {one["title"]: one["reason"] for one in json.loads(ok(said).stdout)["articles"]}
    assert reasons == {"Title c": "pinned", "Title a": "pinned", "Title b": "over_the_limit", "Title d": "excluded"}
    project.run(MONDAY + WEEK)
    assert project.read("ann@x.example") == [["c", "a"], ["b"]]


def test_an_edit_makes_a_new_revision_and_voids_the_approval(project: Project) -> None:
    project.configure('approval = "automatic"', 'approval = "required"')
    project.join("ann@x.example", "python")
    project.offer(article("a"), article("b"))
    ok(project.command("issues", "draft", "weekly", "--now", NOW))
    ok(project.command("issues", "approve", "weekly/1", "--now", NOW))
    signed = project.issue("weekly/1")
    ok(project.command("issues", "edit", "weekly/1", "--exclude", "b", "--pin", "a", "--now", NOW))
    edited = project.issue("weekly/1")
    assert (edited.state, edited.revision, edited.approved_hash) == ("draft", 2, None)
    project.run(MONDAY)
    assert project.read("ann@x.example") == []
    ok(project.command("issues", "approve", "weekly/1", "--now", NOW))
    project.run(MONDAY)
    assert project.read("ann@x.example") == [["a"]]
    assert project.issue("weekly/1").approved_hash is not None
    assert signed.approved_hash is not None


def test_a_pinned_article_of_earlier_weeks_reaches_those_who_have_not_had_it_and_nobody_twice(project: Project) -> None:
    project.join("ann@x.example", "python")
    project.offer(article("old"))
    project.run(MONDAY)
    project.join("bob@x.example", "python", at=MONDAY)
    project.offer(article("old"), article("new", at=MONDAY))
    later = (MONDAY + WEEK).isoformat()
    ok(project.command("issues", "draft", "weekly", "--pin", "https://backend.example/old", "--now", later))
    project.run(MONDAY + WEEK)
    assert project.read("ann@x.example") == [["old"], ["new"]]
    assert project.read("bob@x.example") == [["old", "new"]]


def test_what_is_put_back_is_left_to_the_rules_again_and_a_wish_for_nothing_changes_nothing(project: Project) -> None:
    project.join("ann@x.example", "python")
    project.offer(article("a"), article("b"))
    ok(project.command("issues", "draft", "weekly", "--pin", "a", "--exclude", "b", "--now", NOW))
    ok(project.command("issues", "edit", "weekly/1", "--put-back", "a", "--put-back", "b", "--now", NOW))
    assert project.reasons("weekly/1") == {"Title b": "new", "Title a": "new"}
    assert project.issue("weekly/1").revision == 2
    ok(project.command("issues", "edit", "weekly/1", "--put-back", "a", "--now", NOW))
    assert project.issue("weekly/1").revision == 2


def test_an_edit_takes_in_nothing_that_came_since_and_keeps_the_edits_before_it(project: Project) -> None:
    project.join("ann@x.example", "python")
    project.offer(article("a"), article("b"))
    ok(project.command("issues", "draft", "weekly", "--pin", "a", "--now", NOW))
    project.offer(article("a"), article("b"), article("late", at=MONDAY))
    ok(project.command("articles", "fetch", "--now", NOW))
    refused = project.command("issues", "edit", "weekly/1", "--pin", "late", "--now", NOW)
    assert refused.returncode == 3
    assert "cannot be pinned: it arrived after the freeze, and comes with the next issue" in refused.stderr
    ok(project.command("issues", "edit", "weekly/1", "--pin", "b", "--now", NOW))
    project.run(MONDAY)
    project.run(MONDAY + WEEK)
    assert project.read("ann@x.example") == [["a", "b"], ["late"]]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--pin", "nowhere"), 2, "no article is known as 'nowhere'"),
        (("--pin", "a", "--exclude", "a"), 2, "“Title a” is named twice; pin it, leave it out or put it back, once"),
        (("--pin", "off"), 3, "it carries no tag of a topic of weekly, and nobody would get it"),
        (("--pin", "later"), 3, "cannot be pinned: its time has not come"),
        (("--pin", "gone"), 3, "cannot be pinned: it was withdrawn"),
        (("--exclude", "a", "--exclude", "b"), 3, "issue weekly/1 stays as it is: no article qualified"),
    ],
)
def test_an_edit_that_cannot_be_made_is_one_line_and_changes_nothing(
    project: Project, arguments: tuple[str, ...], code: int, said: str
) -> None:
    project.join("ann@x.example", "python")
    project.offer(
        article("a"), article("b"), article("gone"), article("off", tags=("gardens",)), article("later", at=MONDAY + 4 * WEEK)
    )
    ok(project.command("articles", "fetch", "--now", NOW))
    ok(project.command("articles", "withdraw", "gone", "--now", NOW))
    ok(project.command("issues", "draft", "weekly", "--now", NOW))
    before = project.issue("weekly/1")
    refused = project.command("issues", "edit", "weekly/1", *arguments, "--now", NOW)
    assert (refused.returncode, len(refused.stderr.splitlines())) == (code, 1)
    assert said in refused.stderr
    assert project.issue("weekly/1") == before


def test_what_is_sent_and_what_was_no_candidate_cannot_be_edited(project: Project) -> None:
    project.join("ann@x.example", "python")
    project.offer(article("a", at=BEGAN))
    project.run(MONDAY)
    refused = project.command("issues", "edit", "weekly/1", "--exclude", "a", "--now", NOW)
    assert (refused.returncode, "it has been sent" in refused.stderr) == (3, True)
    project.offer(article("a"), article("b", at=MONDAY))
    later = (MONDAY + WEEK).isoformat()
    strange = project.command("issues", "draft", "weekly", "--exclude", "a", "--now", later)
    assert (strange.returncode, "is no candidate of weekly/2; there is nothing to leave out" in strange.stderr) == (2, True)
    assert len(project.issues()) == 1

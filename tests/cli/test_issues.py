"""`digest issues`: what a person may do with an issue, and what is refused, in words."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.journeys.project import MONDAY, WEEK, Project

NOW = MONDAY.isoformat()
LATER = (MONDAY + timedelta(hours=1)).isoformat()


def told(project: Project, *arguments: str) -> Any:
    got = project.command(*arguments, "--json")
    assert got.returncode == 0, got.stderr
    return json.loads(got.stdout)


def refused(project: Project, *arguments: str) -> str:
    got = project.command(*arguments)
    assert got.returncode == 3, arguments
    (line,) = got.stderr.splitlines()
    return line


def test_a_draft_is_listed_shown_checked_and_approved(drafted: Project) -> None:
    (listed,) = told(drafted, "issues", "list")
    assert (listed["issue"], listed["state"], listed["slot"]) == ("weekly/1", "draft", "2026-11-23T09:00")
    shown = told(drafted, "issues", "show", "weekly/1")
    assert [(one["title"], one["chosen"], one["reason"], one["topic"]) for one in shown["decisions"]] == [
        ("Title b", True, "new", "databases"),
        ("Title a", True, "new", "python"),
    ]
    assert [one for one in told(drafted, "issues", "check", "weekly/1") if one["severity"] == "error"] == []
    approved = told(drafted, "issues", "approve", "weekly/1", "--now", NOW)
    assert (approved["state"], approved["approved_hash"]) == ("approved", approved["content_hash"])
    assert told(drafted, "issues", "approve", "weekly/1", "--now", LATER) == approved


def test_a_slot_has_one_issue(drafted: Project) -> None:
    assert told(drafted, "issues", "draft", "weekly", "--now", NOW)["slot"] == "2026-11-30T09:00"
    coming = (MONDAY + WEEK - timedelta(days=1)).isoformat()
    assert "has its issue already: weekly/2, draft" in refused(drafted, "issues", "draft", "weekly", "--now", coming)


def test_a_draft_can_leave_the_sources_alone(project: Project) -> None:
    assert "no article qualified" in refused(project, "issues", "draft", "weekly", "--no-fetch", "--now", NOW)
    assert told(project, "articles", "list") == []


def test_a_draft_whose_every_source_fails_says_so(project: Project) -> None:
    assert project.command("articles", "fetch", "--now", NOW).returncode == 0
    (project.folder / "articles.json").unlink()
    got = project.command("issues", "draft", "weekly", "--now", NOW, "--json")
    assert got.returncode == 5
    assert "articles.json" in got.stderr
    assert json.loads(got.stdout)["issue"] == "weekly/1"


def test_a_frequency_has_to_be_named_where_there_are_several(project: Project) -> None:
    project.configure('schedule = "0 9 * * 1"', 'schedule = { weekly = "0 9 * * 1", daily = "0 7 * * *" }')
    for arguments, said in (((), "which frequency?"), (("--frequency", "hourly"), "'hourly' is not offered")):
        got = project.command("issues", "draft", "weekly", "--now", NOW, *arguments)
        assert got.returncode == 2
        assert said in got.stderr
    assert told(project, "issues", "draft", "weekly", "--frequency", "weekly", "--now", NOW)["frequency"] == "weekly"


@pytest.mark.parametrize(
    ("before", "step"),
    [
        ([], "pause"),
        ([], "resume"),
        (["approve"], "pause"),
        (["approve"], "resume"),
        (["skip"], "approve"),
        (["skip"], "skip"),
        (["skip"], "cancel"),
        (["skip"], "resume"),
        (["cancel"], "approve"),
        (["cancel"], "resume"),
    ],
)
def test_a_step_that_makes_no_sense_is_refused_and_changes_nothing(drafted: Project, before: list[str], step: str) -> None:
    for verb in before:
        told(drafted, "issues", verb, "weekly/1", "--now", NOW)
    (as_it_was,) = told(drafted, "issues", "list")
    assert "weekly/1" in refused(drafted, "issues", step, "weekly/1", "--now", LATER)
    assert told(drafted, "issues", "list") == [as_it_was]


def test_resuming_what_is_not_paused_does_not_cost_anybody_their_mail(drafted: Project) -> None:
    told(drafted, "issues", "approve", "weekly/1", "--now", NOW)
    assert "is not paused" in refused(drafted, "issues", "resume", "weekly/1", "--now", NOW)
    drafted.run(MONDAY)
    assert drafted.account("weekly/1") == {"accepted": 2}


def test_an_issue_that_is_sent_stays_sent(project: Project) -> None:
    project.run(MONDAY)
    for verb in ("approve", "skip", "cancel", "pause", "resume"):
        assert "weekly/1" in refused(project, "issues", verb, "weekly/1", "--now", LATER)
    assert (project.issue("weekly/1").state, project.account("weekly/1")) == ("sent", {"accepted": 2})


def test_a_paused_issue_waits_through_every_run_until_it_is_resumed(project: Project) -> None:
    project.plan(MONDAY)
    assert told(project, "issues", "pause", "weekly/1", "--reason", "a typo", "--now", NOW)["reason"] == "a typo"
    held = project.command("run", "--now", LATER)
    assert (held.returncode, project.sink.arrived) == (3, [])
    assert "a typo" in held.stdout
    assert "paused (a typo)" in refused(project, "send", "weekly/1", "--now", LATER)
    assert told(project, "issues", "resume", "weekly/1", "--now", LATER)["state"] == "sending"
    assert project.command("run", "--now", LATER).returncode == 0
    assert project.account("weekly/1") == {"accepted": 2}


def test_there_may_be_nothing_to_resolve(drafted: Project) -> None:
    got = drafted.command("issues", "resolve", "weekly/1", "--as", "resend", "--now", NOW)
    assert (got.returncode, got.stdout.splitlines()[0]) == (0, "nothing to resolve: no delivery of weekly/1 is unknown")


def test_an_issue_that_fails_its_checks_cannot_be_approved_and_the_check_says_why(drafted: Project) -> None:
    template = drafted.folder / "templates" / "partials" / "lead.mjml"
    template.write_text(template.read_text(encoding="utf-8").replace("{{ article.title }}", "{{ nope }}"), encoding="utf-8")
    told(drafted, "issues", "skip", "weekly/1", "--now", NOW)
    coming = (MONDAY + WEEK).isoformat()
    assert drafted.command("run", "--now", coming).returncode == 3
    checked = drafted.command("issues", "check", "weekly/2")
    assert checked.returncode == 3
    assert "partials/lead.mjml, line" in checked.stdout
    assert "partials/lead.mjml, line" in refused(drafted, "issues", "approve", "weekly/2")
    for arguments in (("preview", "weekly/2"), ("send", "weekly/2", "--test-to", "editor@x.example")):
        assert "partials/lead.mjml, line" in refused(drafted, *arguments)

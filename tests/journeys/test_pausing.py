"""Holidays: nothing while they last, and afterwards what came since, once."""

from __future__ import annotations

import json
from datetime import timedelta

from tests.journeys.project import BEGAN, MONDAY, WEEK, Project, article

DAY = timedelta(days=1)
ANN, BOB = "ann@x.example", "bob@x.example"


def weeks(project: Project, first: int, last: int) -> None:
    """An article a week, on the day before the slot, and a run at each slot."""
    for week in range(first, last + 1):
        project.offer(*(article(f"w{number}", at=BEGAN + number * WEEK) for number in range(week + 1)))
        project.run(MONDAY + week * WEEK)


def test_a_pause_sends_nothing_and_ends_by_itself_without_gap_or_repeat(project: Project) -> None:
    project.join(ANN)
    project.join(BOB)
    weeks(project, 0, 0)
    until = (MONDAY + 3 * WEEK).date().isoformat()
    said = project.command("subscribers", "pause", ANN, "--until", until, "--now", MONDAY.isoformat())
    assert said.stdout == f"{ANN}: weekly is paused until {until} 00:00 UTC\n"
    again = project.command("subscribers", "pause", ANN, "--until", until, "--now", MONDAY.isoformat())
    assert again.stdout == f"{ANN}: weekly is paused until {until} 00:00 UTC already\n"
    weeks(project, 1, 4)
    assert project.read(ANN) == [["w0"], ["w3", "w2", "w1"], ["w4"]]
    assert project.read(BOB) == [["w0"], ["w1"], ["w2"], ["w3"], ["w4"]]


def test_a_pause_without_an_end_lasts_until_somebody_resumes_it(project: Project) -> None:
    project.join(ANN)
    project.join(BOB)
    weeks(project, 0, 0)
    assert project.command("subscribers", "pause", ANN).stdout == f"{ANN}: weekly is paused until somebody resumes it\n"
    weeks(project, 1, 2)
    assert project.read(ANN) == [["w0"]]
    assert project.command("subscribers", "resume", ANN).stdout == f"{ANN}: weekly goes on\n"
    assert project.command("subscribers", "resume", ANN).stdout == f"{ANN}: weekly is active, and was not paused\n"
    weeks(project, 3, 3)
    assert project.read(ANN) == [["w0"], ["w3", "w2", "w1"]]


def test_the_account_says_who_was_paused_and_explain_until_when(project: Project) -> None:
    project.join(ANN)
    project.join(BOB)
    project.command("subscribers", "pause", ANN, "--until", "2026-12-24T08:00", "--now", BEGAN.isoformat())
    weeks(project, 0, 0)
    assert project.account("weekly/1") == {"accepted": 1}
    told = json.loads(project.command("stats", "weekly/1", "--json").stdout)
    assert (told["audience"], told["paused"]) == (1, 1)
    assert "1 paused when the audience was frozen, and not in it" in project.command("stats", "weekly/1").stdout
    why = project.command("explain", "weekly/1", "--subscriber", ANN).stdout
    assert f"{ANN} would get nothing with weekly/1: the subscription is paused until 2026-12-24 08:00 UTC." in why
    assert "weekly weekly: paused until 2026-12-24 08:00 UTC" in project.command("subscribers", "show", ANN).stdout
    project.command("subscribers", "resume", ANN)
    assert json.loads(project.command("stats", "weekly/1", "--json").stdout)["paused"] == 1  # as it was at the plan


def test_who_pauses_while_a_mail_waits_is_not_sent_it_and_gets_its_articles_afterwards(project: Project) -> None:
    project.join(ANN)
    project.join(BOB)
    project.offer(article("w0"))
    project.plan(MONDAY)
    project.command("subscribers", "pause", ANN, "--now", MONDAY.isoformat())
    project.run(MONDAY + timedelta(minutes=5))
    assert project.read(ANN) == []
    assert project.account("weekly/1") == {"accepted": 1, "cancelled": 1}
    assert "(paused while waiting)" in project.command("explain", "weekly/1", "--subscriber", ANN).stdout
    weeks(project, 1, 2)
    project.command("subscribers", "resume", ANN)
    weeks(project, 3, 3)
    assert sorted(project.everything_read(ANN).elements()) == ["w0", "w1", "w2", "w3"]


def test_what_is_owed_does_not_grow_old_in_a_pause_and_limits_hold_after_it(project: Project) -> None:
    project.configure("max_articles = 20", "max_articles = 1\ncarry_over = 2")
    project.join(ANN)
    project.join(BOB)
    project.offer(article("a"), article("b", at=BEGAN - DAY))
    project.run(MONDAY)
    project.command("subscribers", "pause", ANN, "--now", MONDAY.isoformat())
    for week in range(1, 6):  # more issues than carry_over: what ann is owed would have expired
        project.run(MONDAY + week * WEEK)
    project.command("subscribers", "resume", ANN)
    project.offer(article("a"), article("b", at=BEGAN - DAY), article("c", at=MONDAY + 5 * WEEK))
    for week in (6, 7):
        project.run(MONDAY + week * WEEK)
    assert project.read(ANN) == [["a"], ["b"], ["c"]]


def test_what_a_long_pause_makes_expire_is_seen(project: Project) -> None:
    project.configure("max_articles = 20", "max_articles = 20\ncarry_over = 1")
    project.join(ANN)
    project.join(BOB)
    weeks(project, 0, 0)
    project.command("subscribers", "pause", ANN, "--until", "2026-12-21", "--now", MONDAY.isoformat())
    weeks(project, 1, 4)
    assert project.read(ANN) == [["w0"], ["w4", "w3"]]
    told = json.loads(project.command("stats", "weekly/5", "--json").stdout)
    assert told["away_too_long"] == 1
    assert "1 were away for more issues than carry_over allows" in project.command("stats", "weekly/5").stdout
    for key, why in (("w2", "more issues ago than carry_over allows"), ("w0", "an earlier issue covered it")):
        url = f"https://backend.example/{key}"
        assert why in project.command("explain", "weekly/5", "--subscriber", ANN, "--article", url).stdout, key


def test_a_pause_that_ends_between_freeze_and_plan_loses_nothing(project: Project) -> None:
    project.configure('approval = "automatic"', 'approval = "required"')
    project.join(ANN)
    project.join(BOB)
    for week in range(2):
        if week:
            project.command("subscribers", "pause", ANN, "--until", "2026-12-07T08:00", "--now", MONDAY.isoformat())
        project.offer(*(article(f"w{number}", at=BEGAN + number * WEEK) for number in range(week + 1)))
        project.run(MONDAY + week * WEEK)
        project.command("issues", "approve", f"weekly/{week + 1}", "--now", (MONDAY + week * WEEK).isoformat())
        project.run(MONDAY + week * WEEK + timedelta(minutes=1))
    project.offer(*(article(f"w{number}", at=BEGAN + number * WEEK) for number in range(3)))
    project.command("issues", "draft", "weekly", "--now", "2026-12-06T12:00:00Z")
    project.command("articles", "fetch", "--now", "2026-12-06T13:00:00Z")
    for number in (3, 4):
        at = MONDAY + (number - 1) * WEEK
        project.run(at)
        project.command("issues", "approve", f"weekly/{number}", "--now", at.isoformat())
        project.run(at + timedelta(minutes=1))
        project.offer(*(article(f"w{other}", at=BEGAN + other * WEEK) for other in range(number + 1)))
    assert sorted(project.everything_read(ANN).elements()) == ["w0", "w1", "w2", "w3"]


def test_what_cannot_be_paused_is_one_line(project: Project) -> None:
    project.join(ANN)
    project.join("pending@x.example", sure=False)
    project.join("gone@x.example")
    project.leave("gone@x.example")
    now = ("--now", MONDAY.isoformat())
    for arguments, why in (
        (("nobody@x.example",), "nobody@x.example has no subscription to weekly"),
        (("pending@x.example",), "pending@x.example: they have not confirmed yet"),
        (("gone@x.example",), "gone@x.example: they have left weekly"),
        ((ANN, "--until", "2026-11-01"), f"{ANN}: --until: 2026-11-01 00:00 UTC is past"),
        ((ANN, "--until", "Christmas"), "--until: 'Christmas' is not a date; write it as 2026-12-24"),
        ((ANN, "--until", "0001-01-01"), "--until: the year 1 is out of reach"),
    ):
        refused = project.command("subscribers", "pause", *arguments, *now)
        assert refused.returncode == 2, arguments
        assert refused.stderr.count("\n") == 1
        assert why in refused.stderr
    assert project.command("subscribers", "resume", "gone@x.example").stdout == (
        "gone@x.example: weekly is unsubscribed, and was not paused\n"
    )


def test_a_pause_outlives_an_import_and_ends_with_leaving(project: Project) -> None:
    project.join(ANN)
    project.command("subscribers", "pause", ANN, "--until", "2026-12-01", "--now", BEGAN.isoformat())
    project.join(ANN, "python", at=MONDAY)
    listed = json.loads(project.command("subscribers", "list", "--json").stdout)
    assert [(one["state"], one["topics"]) for one in listed] == [("paused", "python")]
    project.leave(ANN)
    weeks(project, 0, 3)
    (left,) = json.loads(project.command("subscribers", "list", "--json").stdout)
    assert (left["state"], left["paused_until"]) == ("unsubscribed", None)
    assert project.read(ANN) == []


def test_a_dry_run_after_the_end_of_a_pause_leaves_it_paused(project: Project) -> None:
    project.join(ANN)
    project.offer(article("a"))
    project.command("subscribers", "pause", ANN, "--until", "2026-11-22", "--now", BEGAN.isoformat())
    dry = project.command("run", "--dry-run", "--now", MONDAY.isoformat())
    assert dry.returncode == 0
    (listed,) = json.loads(project.command("subscribers", "list", "--json").stdout)
    assert listed["state"] == "paused"
    project.run(MONDAY)
    assert project.read(ANN) == [["a"]]


def test_an_issue_for_which_everybody_is_paused_says_so(project: Project) -> None:
    for reader in (ANN, BOB):
        project.join(reader)
        project.command("subscribers", "pause", reader)
    weeks(project, 0, 0)
    assert project.issue("weekly/1").reason == "everybody who is subscribed weekly to weekly is paused (2)"
    project.command("subscribers", "resume", ANN)
    weeks(project, 1, 1)
    assert project.read(ANN) == [["w1", "w0"]]

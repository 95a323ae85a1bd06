"""Readers with topics, frequencies and patience of their own: nothing twice, nothing lost."""

from __future__ import annotations

from datetime import timedelta

import pytest

from digest.audience.suppression import suppress
from digest.errors import UsageError
from tests.journeys.project import BEGAN, MONDAY, WEEK, Project, article

DAY = timedelta(days=1)


def test_case_06_fifteen_qualify_and_ten_fit_so_five_come_first_the_next_time(project: Project) -> None:
    project.configure("max_articles = 20", "max_articles = 10")
    project.join("ann@x.example")
    fifteen = [article(f"n{number:02}", at=BEGAN - timedelta(hours=number)) for number in range(15)]
    project.offer(*fifteen)
    project.run(MONDAY)
    project.offer(*fifteen, article("fresh", at=MONDAY))
    project.run(MONDAY + WEEK)
    first, second = project.read("ann@x.example")
    assert first == [f"n{number:02}" for number in range(10)]
    assert second == [*(f"n{number:02}" for number in range(10, 15)), "fresh"]


def test_what_stays_owed_for_longer_than_carry_over_expires_and_is_seen_to(project: Project) -> None:
    project.configure("max_articles = 20", "max_articles = 1\ncarry_over = 1")
    project.join("ann@x.example")
    offered = [article("a"), article("b", at=BEGAN - DAY), article("c", at=BEGAN - 2 * DAY)]
    for week in range(4):
        project.offer(*offered)
        project.run(MONDAY + week * WEEK)
        offered.append(article(f"new{week}", at=MONDAY + week * WEEK))
    assert project.read("ann@x.example")[:2] == [["a"], ["b"]]
    assert project.reasons("weekly/3")["Title c"] == "expired"
    assert max(project.everything_read("ann@x.example").values()) == 1


def test_what_a_weekly_reader_is_owed_does_not_grow_old_by_daily_issues(project: Project) -> None:
    project.configure('schedule = "0 9 * * 1"', 'schedule = { weekly = "0 9 * * 1", daily = "0 7 * * *" }')
    project.configure("max_articles = 20", "max_articles = 1\ncarry_over = 1")
    project.join("ann@x.example", frequency="weekly")
    project.join("dan@x.example", frequency="daily")
    offered = [article("a"), article("b", at=BEGAN - DAY)]
    for day in range(11):
        project.offer(*offered)
        project.run(MONDAY + day * DAY)
        offered.append(article(f"d{day}", at=MONDAY + day * DAY))
    assert project.read("ann@x.example") == [["a"], ["b"]]


def test_what_came_to_be_owed_after_a_freeze_waits_for_the_next_issue(project: Project) -> None:
    from sqlalchemy import update

    from digest.store import tables

    project.join("ann@x.example")
    project.offer(article("a"))
    project.run(MONDAY)
    project.offer(article("a"), article("b", at=MONDAY))
    early = (MONDAY + 6 * DAY).isoformat()
    assert project.command("issues", "draft", "weekly", "--now", early).returncode == 0
    with project.app() as app, app.store.writing() as connection:  # as a late rejection of weekly/1 would
        connection.execute(update(tables.delivery).values(state="rejected"))
        connection.execute(update(tables.subscription).values(owed="1@1"))
    project.run(MONDAY + WEEK)
    project.offer(article("a"), article("b", at=MONDAY), article("c", at=MONDAY + WEEK))
    project.run(MONDAY + 2 * WEEK)
    assert project.read("ann@x.example") == [["a"], ["b"], ["a", "c"]]


def test_case_07_an_article_with_two_followed_topics_comes_once_and_reaches_who_follows_the_second(project: Project) -> None:
    project.join("both@x.example", "databases python")
    project.join("second@x.example", "python")
    project.join("neither@x.example", "security")
    project.offer(article("a", tags=("python", "databases")), article("b", tags=("devops",)))
    project.run(MONDAY)
    assert project.read("both@x.example") == [["a"]]
    assert project.read("second@x.example") == [["a"]]
    assert project.mails("neither@x.example") == []
    assert project.account("weekly/1") == {"accepted": 2, "skipped": 1}


def test_case_08_switching_between_weekly_and_daily_repeats_and_loses_nothing(project: Project) -> None:
    project.configure('schedule = "0 9 * * 1"', 'schedule = { weekly = "0 9 * * 1", daily = "0 7 * * *" }')
    project.join("ann@x.example", frequency="weekly")
    project.join("dan@x.example", frequency="daily")
    offered = [article("d0")]
    for day in range(1, 22):
        at = MONDAY - 3 * DAY + day * DAY
        if day in {6, 15}:
            project.join("ann@x.example", frequency="daily", at=at)
        if day in {11, 18}:
            project.join("ann@x.example", frequency="weekly", at=at)
        project.offer(*offered)
        project.run(at)
        offered.append(article(f"d{day}", at=at))
    offered_at_last_slot = {entry["id"] for entry in offered[:-1]}
    project.join("ann@x.example", frequency="daily", at=MONDAY + 3 * WEEK)
    project.run(MONDAY + 3 * WEEK)
    for reader in ("ann@x.example", "dan@x.example"):
        got = project.everything_read(reader)
        assert set(got.values()) == {1}, reader
        assert offered_at_last_slot <= set(got), reader


def test_case_09_who_subscribes_on_friday_gets_the_next_issue_whole_as_their_first(project: Project) -> None:
    project.join("ann@x.example")
    project.offer(article("a"))
    project.run(MONDAY)
    project.offer(article("a"), article("b", at=MONDAY + DAY))
    project.run(MONDAY + 2 * DAY)
    project.join("new@x.example", at=MONDAY + 4 * DAY)
    project.run(MONDAY + WEEK)
    assert project.read("new@x.example") == [["b"]]


def test_case_14_who_unsubscribed_while_waiting_is_not_sent_to(project: Project) -> None:
    project.join("ann@x.example")
    project.join("bob@x.example")
    project.offer(article("a"))
    project.plan(MONDAY)
    assert project.account("weekly/1") == {"planned": 2}
    project.leave("bob@x.example")
    project.run(MONDAY + timedelta(minutes=5))
    assert project.mails("bob@x.example") == []
    assert project.account("weekly/1") == {"accepted": 1, "cancelled": 1}


def test_who_leaves_by_command_gets_nothing_more_and_is_back_without_gap_or_repeat(project: Project) -> None:
    project.join("ann@x.example")
    project.offer(article("a"))
    project.run(MONDAY)
    assert project.command("subscribers", "leave", "ann@x.example").stdout == "ann@x.example: no longer subscribed to weekly\n"
    assert project.command("subscribers", "leave", "ann@x.example").stdout == "ann@x.example: had left weekly already\n"
    project.offer(article("a"), article("b", at=MONDAY))
    project.run(MONDAY + WEEK)
    assert project.read("ann@x.example") == [["a"]]
    project.join("ann@x.example", at=MONDAY + WEEK + DAY)
    project.offer(article("a"), article("b", at=MONDAY), article("c", at=MONDAY + WEEK))
    project.run(MONDAY + 2 * WEEK)
    assert project.read("ann@x.example") == [["a"], ["c", "b"]]
    refused = project.command("subscribers", "leave", "nobody@x.example")
    assert refused.returncode == 2
    assert refused.stderr.count("\n") == 1
    assert "nobody@x.example has no subscription to weekly" in refused.stderr


def test_case_15_a_frequency_called_2_is_refused(project: Project) -> None:
    with pytest.raises(UsageError, match="has no frequency '2'"):
        project.join("ann@x.example", frequency="2")
    project.configure('schedule = "0 9 * * 1"', 'schedule = { "2" = "0 9 * * 1" }')
    refused = project.command("run")
    assert refused.returncode == 2
    assert "newsletters.0.schedule.2" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_who_is_suppressed_or_not_confirmed_gets_nothing(project: Project) -> None:
    project.join("ann@x.example")
    project.join("bounced@x.example")
    project.join("pending@x.example", sure=False)
    with project.app() as app, app.store.writing() as connection:
        suppress(connection, "bounced@x.example", "*", reason="bounced", source="test", now=BEGAN)
    project.offer(article("a"))
    project.run(MONDAY)
    assert [one.rcpt_to for one in project.sink.arrived] == ["ann@x.example"]
    assert project.account("weekly/1") == {"accepted": 1, "suppressed": 1}


def test_every_article_of_the_catalogue_can_be_explained_to_every_reader(project: Project) -> None:
    project.join("ann@x.example", "python")
    project.offer(article("a"), article("b", tags=("security",)))
    project.run(MONDAY)
    project.offer(article("a"), article("b", tags=("security",)), article("c", at=MONDAY))
    project.run(MONDAY + WEEK)

    def said(issue: str, key: str) -> str:
        url = f"https://backend.example/{key}"
        got = project.command("explain", issue, "--subscriber", "ann@x.example", "--article", url)
        assert got.returncode == 0, got.stderr
        return got.stdout

    assert "is in the mail of ann@x.example: it is new" in said("weekly/1", "a")
    assert "it carries no tag of a topic they follow" in said("weekly/1", "b")
    assert "it had not arrived" in said("weekly/1", "c")
    assert "an earlier issue covered it" in said("weekly/2", "a")
    assert "is in the mail" in said("weekly/2", "c")


def test_nobody_at_all_is_a_skipped_issue_with_a_reason(project: Project) -> None:
    project.offer(article("a"))
    assert project.code(MONDAY) == 0
    assert project.issue("weekly/1").reason == "nobody is subscribed weekly to weekly"

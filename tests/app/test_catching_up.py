"""Nobody was there for a while: what becomes of the slots, by each policy; and drafts ahead of their slots. Nothing is ever lost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from digest.app import issuing
from digest.app.drafting import draft_ahead
from digest.app.fetching import fetch
from digest.issues.lifecycle import IssueState
from digest.settings import Frequency
from tests.journeys.project import BEGAN, MONDAY, WEEK, Project, a_project, article

ANN = "ann@x.example"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NAMES = "abcdefgh"


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with a_project(tmp_path) as made:
        yield made


def configured(project: Project, *lines: str) -> None:
    project.configure('timezone = "UTC"', "\n".join(('timezone = "UTC"', *lines)))
    project.join(ANN)


def offer(project: Project, many: int) -> None:
    project.offer(*(article(name, at=BEGAN) for name in NAMES[:many]))


def approved_ahead(project: Project, at: datetime) -> None:
    """A person drafts and approves the coming issue."""
    with project.app(at) as app:
        fetch(app)
        newsletter = app.newsletter("weekly")
        slot = issuing.coming_slot(app, newsletter, Frequency.WEEKLY)
        issuing.approve(app, issuing.draft(app, newsletter, Frequency.WEEKLY, slot, "ann"), "ann")


@pytest.mark.parametrize(
    ("lines", "mails"),
    [
        ([], [["a"], ["b", "c", "d"], ["e"]]),
        (['catch_up = "skip"'], [["a"], ["b", "c", "d", "e"]]),
        (['latest = "2d"'], [["a"], ["b", "c", "d", "e"]]),
        (['latest = "4d"'], [["a"], ["b", "c", "d"], ["e"]]),
    ],
)
def test_case_3_after_three_weeks_one_issue_covers_the_gap_late_or_with_the_next(
    project: Project, lines: list[str], mails: list[list[str]]
) -> None:
    configured(project, *lines)
    offer(project, 1)
    project.run(MONDAY)
    offer(project, 4)
    back = project.run(MONDAY + 3 * WEEK + 3 * DAY)
    too_late = len(mails) == 2
    assert back.missed == (
        ["weekly, slot 2026-12-14T09:00: it is too late for it by now; its articles go into the next issue"] if too_late else []
    )
    offer(project, 5)
    project.run(MONDAY + 4 * WEEK)
    assert [sorted(mail) for mail in project.read(ANN)] == mails
    assert [issue.number for issue in project.issues()] == list(range(1, len(mails) + 1))


@pytest.mark.parametrize(
    ("lines", "mails", "skipped"),
    [
        ([], [["a"], ["b"]], []),  # both: somebody approved the first
        (['catch_up = "merge"'], [["a", "b"]], ["weekly/1"]),
        (['catch_up = "skip"'], [], ["weekly/1"]),
        (['latest = "3d"'], [["a", "b"]], ["weekly/1"]),
    ],
)
def test_what_was_approved_for_an_earlier_slot_is_sent_too_or_merged_or_skipped_with_its_reason(
    project: Project, lines: list[str], mails: list[list[str]], skipped: list[str]
) -> None:
    configured(project, *lines)
    offer(project, 1)
    approved_ahead(project, MONDAY - DAY)
    offer(project, 2)
    back = MONDAY + WEEK + 2 * DAY
    ran = project.run(back)
    assert [sorted(mail) for mail in project.read(ANN)] == mails
    gone = [one for one in project.issues() if one.state is IssueState.SKIPPED]
    assert [one.name for one in gone] == skipped
    assert all("its articles go into" in (one.reason or "") for one in gone)
    assert [one.issue.name for one in ran.handled if one.issue.state is IssueState.SKIPPED] == skipped
    offer(project, 3)
    project.run(MONDAY + 2 * WEEK)
    assert project.everything_read(ANN) == {"a": 1, "b": 1, "c": 1}


def test_who_approves_when_the_slot_has_passed_has_it_sent(project: Project) -> None:
    configured(project, 'catch_up = "skip"', 'latest = "1h"')
    project.configure('approval = "automatic"', 'approval = "required"')
    offer(project, 1)
    project.run(MONDAY)
    with project.app(MONDAY + 3 * HOUR) as app:
        issuing.approve(app, project.issue("weekly/1"), "ann")
    project.run(MONDAY + 3 * HOUR + timedelta(minutes=30))
    assert project.read(ANN) == [["a"]]


def test_an_issue_is_drafted_ahead_once_there_is_enough_for_it_and_goes_out_at_its_slot(project: Project) -> None:
    configured(project, 'draft_before = "24h"')
    project.run(MONDAY - 25 * HOUR)
    assert project.issues() == []
    assert project.run(MONDAY - 24 * HOUR).drafted == []  # nothing to tell yet, and its time has not come
    offer(project, 1)
    assert [one.name for one in project.run(MONDAY - 20 * HOUR).drafted] == ["weekly/1"]
    assert project.issue("weekly/1").state is IssueState.DRAFT
    offer(project, 2)
    project.run(MONDAY - HOUR)
    assert project.mails(ANN) == []
    project.run(MONDAY)
    assert project.read(ANN) == [["a"]]  # what came later is for the next one
    project.run(MONDAY + WEEK)
    assert project.everything_read(ANN) == {"a": 1, "b": 1}


def test_an_issue_that_was_drafted_ahead_goes_out_when_its_newsletter_has_moved_to_another_zone(project: Project) -> None:
    configured(project, 'draft_before = "24h"')
    project.configure('timezone = "UTC"', 'timezone = "Europe/Berlin"')
    offer(project, 1)
    project.run(MONDAY - 2 * HOUR)
    project.configure('timezone = "Europe/Berlin"', 'timezone = "UTC"')
    project.run(MONDAY)
    assert project.read(ANN) == [["a"]]


@pytest.mark.parametrize("policy", ["send", "skip"])
def test_a_draft_without_an_approval_that_was_missed_is_not_sent_too_late(project: Project, policy: str) -> None:
    configured(project, 'draft_before = "24h"', 'latest = "2h"', f'unapproved = "{policy}"')
    project.configure('approval = "automatic"', 'approval = "required"')
    offer(project, 1)
    project.run(MONDAY - HOUR)
    project.run(MONDAY + 3 * 24 * HOUR)
    assert (project.read(ANN), project.issue("weekly/1").state) == ([], IssueState.SKIPPED)
    offer(project, 2)
    project.run(MONDAY + WEEK - HOUR)
    with project.app(MONDAY + WEEK - HOUR) as app:
        issuing.approve(app, project.issue("weekly/2"), "ann")
    project.run(MONDAY + WEEK)
    assert [sorted(keys) for keys in project.read(ANN)] == [["a", "b"]]


def test_a_draft_that_was_missed_is_let_go_for_the_one_that_was_drafted_after_it(project: Project) -> None:
    configured(project, 'draft_before = "24h"')
    offer(project, 1)
    project.run(MONDAY - HOUR)
    offer(project, 2)
    with project.app(MONDAY + WEEK - HOUR) as app:
        fetch(app)
        assert [one.name for one in draft_ahead(app, app.newsletter("weekly"))] == ["weekly/2"]
    project.run(MONDAY + WEEK + HOUR)
    assert [(one.name, one.state) for one in project.issues()] == [
        ("weekly/1", IssueState.SKIPPED),
        ("weekly/2", IssueState.SENT),
    ]
    assert [sorted(mail) for mail in project.read(ANN)] == [["a", "b"]]

"""When mails leave, what becomes of missed slots, how long things are kept, and what a process that schedules itself does when."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.settings.conftest import Project

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ('[scheduler]\nrun_every = "5s"', "scheduler.run_every: must be at least 10"),
        ('[scheduler]\nfetch_every = "2d"', "scheduler.fetch_every: must be at most 1"),
        ('[scheduler]\nping_url = "hc-ping"', "scheduler.ping_url: 'hc-ping' is not a web address"),
        ('[scheduler]\nping_kind = "loud"', "scheduler.ping_kind: must be 'success' or 'healthchecks'"),
        ('[retention]\nevents = "5h"', "retention.events: must be at least 1d"),
        ('[retention]\nleavers = "365"', "retention.leavers: '365' is not a duration"),
    ],
)
def test_what_cannot_be_is_refused_with_its_key(project: Project, lines: str, said: str) -> None:
    project.write(lines)
    assert said in project.fails()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('latest = "0s"', "latest: must be more than nothing"),
        ('catch_up = "never"', "catch_up: must be 'late', 'merge' or 'skip'"),
        ('deliver_at = "home"', "deliver_at: must be 'slot' or 'local'"),
        ('draft_before = "2"', "draft_before: '2' is not a duration"),
    ],
)
def test_what_a_newsletter_cannot_do_is_refused_with_its_key(project: Project, line: str, said: str) -> None:
    project.write(line)
    assert f"newsletters.0.{said}" in project.fails()


@pytest.mark.parametrize(
    ("line", "patience"),
    [
        ("", None),
        ('catch_up = "merge"', None),
        ('catch_up = "skip"', HOUR),
        ('catch_up = "skip"\nlatest = "2d"', 48 * HOUR),
        ('latest = "3h"', 3 * HOUR),
    ],
)
def test_how_late_a_slot_may_be_sent(project: Project, line: str, patience: timedelta | None) -> None:
    project.write(line)
    assert project.read().newsletters[0].patience == patience


def test_events_are_kept_for_as_long_as_the_silent_are_told_by_them(project: Project) -> None:
    project.write('sunset = "180d"\n[retention]\nevents = "300d"', slug='slug = "weekly"')
    said = project.fails(DIGEST_DELIVERY__PROVIDER="postmark")
    assert "retention.events: 300d is not twice as long as newsletters.0.sunset, 180d" in said
    project.write('sunset = "180d"\n[retention]\nevents = "360d"')
    assert project.read(DIGEST_DELIVERY__PROVIDER="postmark").retention.events == timedelta(days=360)

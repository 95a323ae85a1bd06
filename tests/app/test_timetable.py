"""When a process that schedules itself does what."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from digest.app import App
from digest.app.timetable import Jobs, at_rhythm, next_run
from tests.journeys.project import MONDAY, a_project, article


@pytest.mark.parametrize(
    ("after", "due"),
    [
        ("2026-11-23T08:44:59", "2026-11-23T08:45:00"),
        ("2026-11-23T08:45:00", "2026-11-23T09:00:00"),
        ("2026-11-23T23:59:59", "2026-11-24T00:00:00"),
        ("2026-11-30T09:00:00", "2026-11-30T09:07:00"),  # the slot
        ("2026-11-30T09:07:00", "2026-11-30T09:15:00"),
        ("2026-11-28T04:00:00", "2026-11-28T04:07:00"),  # when it is drafted
    ],
)
def test_the_next_run_is_at_the_next_slot_or_draft_or_quarter_of_an_hour(tmp_path: Path, after: str, due: str) -> None:
    with a_project(tmp_path) as project:
        project.configure('schedule = "0 9 * * 1"', 'schedule = "7 9 * * 1"\ndraft_before = "53h"')
        with project.app(datetime.fromisoformat(after).replace(tzinfo=UTC)) as app:
            assert next_run(app) == datetime.fromisoformat(due).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("every", "after", "at"),
    [
        (timedelta(minutes=15), "2026-11-23T08:45:00", "2026-11-23T09:00:00"),
        (timedelta(hours=24), "2026-11-23T08:45:00", "2026-11-24T00:00:00"),
        (timedelta(seconds=10), "2026-11-23T08:45:09.5", "2026-11-23T08:45:10"),
    ],
)
def test_a_rhythm_keeps_to_the_full_hour(every: timedelta, after: str, at: str) -> None:
    assert at_rhythm(datetime.fromisoformat(after + "+00:00"), every) == datetime.fromisoformat(at + "+00:00")


def test_sources_are_read_once_for_a_rhythm_and_anew_for_an_issue(tmp_path: Path) -> None:
    from digest.app import running
    from digest.app.fetching import Fetched

    with a_project(tmp_path) as project:
        project.offer(article("a"))
        project.join("ann@x.example")
        read: list[str] = []

        def run(app: App, lately: Fetched | None) -> int:
            running.run(app, None, lambda _: None, read.append, lately=lately)
            return 0

        jobs = {job.name: job for job in Jobs(run).all()}
        with project.app(MONDAY - timedelta(hours=1)) as app:
            assert jobs["fetch"].work(app) == jobs["run"].work(app) == 0
            assert jobs["fetch"].next_at(app) == app.now + timedelta(minutes=7, seconds=30)
        assert read == []
        project.offer(article("a"), article("b"))
        with project.app(MONDAY) as app:
            jobs["run"].work(app)
        assert read == ["articles"]
        assert project.read("ann@x.example") == [["b", "a"]]
        with project.app(MONDAY + timedelta(minutes=15)) as app:
            jobs["run"].work(app)
        assert read == ["articles"]

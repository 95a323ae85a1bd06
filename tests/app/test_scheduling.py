"""When a process that schedules itself runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest

from digest.app import App, scheduling
from digest.app.scheduling import Scheduler, next_run
from digest.errors import Busy, Unreachable
from tests.databases import eventually
from tests.journeys.project import BEGAN, MONDAY, a_project


@pytest.mark.parametrize(
    ("after", "due"),
    [
        ("2026-11-23T08:44:59", "2026-11-23T08:45:00"),
        ("2026-11-23T08:45:00", "2026-11-23T09:00:00"),
        ("2026-11-23T23:59:59", "2026-11-24T00:00:00"),
        ("2026-11-30T09:00:00", "2026-11-30T09:07:00"),  # the slot
        ("2026-11-30T09:07:00", "2026-11-30T09:15:00"),
    ],
)
def test_the_next_run_is_at_the_next_slot_or_quarter_of_an_hour(tmp_path: Path, after: str, due: str) -> None:
    with a_project(tmp_path) as project:
        project.configure('schedule = "0 9 * * 1"', 'schedule = "7 9 * * 1"')
        with project.app() as app:
            found = next_run(app.settings, datetime.fromisoformat(after).replace(tzinfo=UTC))
    assert found == datetime.fromisoformat(due).replace(tzinfo=UTC)


def test_it_runs_when_it_is_time_once_and_outlives_what_goes_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduling, "_LOOK", 0.001)
    with a_project(tmp_path) as project, project.app(BEGAN) as app:
        times, ran, stop = [MONDAY - timedelta(minutes=1)], [], Event()

        def run(at: App) -> None:
            ran.append(at.now)
            if len(ran) < 4:
                raise (Busy("another run"), Unreachable("no database"), KeyError("a defect"))[len(ran) - 1]

        scheduler = Scheduler(lambda: App(app.settings, app.store, times[-1]), run, stop)
        scheduler.start()
        for minutes in (0, 15, 30, 45):
            times.append(MONDAY + timedelta(minutes=minutes))
            eventually(lambda count=minutes // 15 + 1: len(ran) == count)  # type: ignore[misc]  # a default is no argument
        stop.set()
        scheduler.join(10)
        assert ran == [MONDAY + timedelta(minutes=minutes) for minutes in (0, 15, 30, 45)]

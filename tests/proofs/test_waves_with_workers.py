"""Nine o'clock where each reader is, when several workers send; and the desk's buttons while they do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from digest.app.timetable import next_run
from digest.cli.reports import exit_code_of_run
from tests.databases import Databases, Server, eventually
from tests.journeys.crew import a_crew, a_project_for_workers, import_people, jobs_left
from tests.journeys.project import MONDAY, Project, article
from tests.journeys.test_local_time import AROUND_THE_WORLD, SLOT, got, join, local
from tests.web.conftest import pages_of
from tests.web.desk.conftest import EDDY, EVERYBODY, come_in
from tests.web.desk.issue import Draft

pytestmark = pytest.mark.proof

READERS = 120


@pytest.fixture
def project(tmp_path: Path, postgresql: Server, database: Databases) -> Iterator[Project]:
    with a_project_for_workers(tmp_path) as made:
        yield made


def test_around_the_world_workers_send_each_wave_at_nine_of_its_zone_and_a_run_waits_for_that_one_alone(project: Project) -> None:
    local(project)
    project.configure("[[sources]]", '[scheduler]\nrun_every = "24h"\n\n[[sources]]')
    for number, zone in enumerate(AROUND_THE_WORLD):
        join(project, f"u{number}", zone)
    now, arrived, codes = datetime(2026, 11, 21, tzinfo=UTC), dict[str, datetime](), Counter[int]()
    with a_crew(project, 2) as crew:
        while now <= datetime(2026, 11, 24, 12, tzinfo=UTC):
            crew.at = now
            codes[exit_code_of_run(project.run(now))] += 1
            for name in got(project) - set(arrived):
                arrived[name] = now
            with project.app(now) as app:
                now = next_run(app)
        eventually(lambda: jobs_left(project) == 0)
    for number, zone in enumerate(AROUND_THE_WORLD):
        assert arrived[f"u{number}"].astimezone(ZoneInfo(zone)).replace(tzinfo=None) == SLOT, zone
    assert len(set(arrived.values())) >= 24
    assert len(project.sink.arrived) == len(AROUND_THE_WORLD)
    assert set(codes) == {0}, "a run took those whose hour had not come for held back"
    assert project.account("weekly/1") == {"accepted": len(AROUND_THE_WORLD)}
    assert project.issue("weekly/1").state == "sent"


def test_what_is_pressed_at_the_desk_holds_in_every_worker(project: Project) -> None:
    import_people(project, READERS)
    project.offer(article("a"))
    project.plan()
    project.environment["DIGEST_DELIVERY__RATE"] = "60"
    with pages_of(project, MONDAY, **EVERYBODY) as pages:
        browser = come_in(pages, EDDY)
        at_the_desk = Draft(pages, browser)

        def press(do: str, **form: str) -> None:
            more = {"do": do, "revision": str(at_the_desk.issue.revision)} | form
            answer = browser.post("/editor/issues/weekly/1/send", **more)
            assert answer.status_code == 303, answer.text

        with a_crew(project, 2):
            eventually(lambda: len(project.sink.arrived) > 10)
            press("pause", reason="a wrong date")
            eventually(lambda: not {"claimed", "sending"} & project.account("weekly/1").keys())
            seen = len(project.sink.arrived)
            assert project.account("weekly/1") == {"accepted": seen, "planned": READERS - seen}
            assert "a wrong date" in at_the_desk.page()
            press("resume")
            eventually(lambda: len(project.sink.arrived) > seen + 10)
            press("cancel", name="weekly/1", reason="enough of it")
            eventually(lambda: not {"planned", "claimed", "sending"} & project.account("weekly/1").keys())
            eventually(lambda: jobs_left(project) == 0)
            sent = len(project.sink.arrived)
            assert seen < sent < READERS
            assert project.account("weekly/1") == {"accepted": sent, "cancelled": READERS - sent}
        project.code()
        assert project.issue("weekly/1").settled_at is not None
    assert set(Counter(one.rcpt_to for one in project.sink.arrived).values()) == {1}

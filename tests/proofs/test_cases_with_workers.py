"""The cases of scheduling and of trouble, on PostgreSQL, where runs overlap and several workers send."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from digest.errors import Busy
from digest.testing.smtp_sink import SILENCE, Now, React
from tests.databases import Databases, Server, eventually
from tests.journeys.crew import a_crew, a_project_for_workers, import_people, jobs_left
from tests.journeys.project import MONDAY, WEEK, Project, article

pytestmark = pytest.mark.proof

READERS = 40
HOUR = timedelta(hours=1)
SPRING = datetime(2027, 3, 29, 7, tzinfo=UTC)  # nine in Berlin, after a week of 167 hours


@pytest.fixture
def project(tmp_path: Path, postgresql: Server, database: Databases) -> Iterator[Project]:
    with a_project_for_workers(tmp_path) as made:
        yield made


def read(project: Project) -> Counter[str]:
    """What everybody has read, each article so often by each; nobody has read something else than the others."""
    everybody = [project.everything_read(f"u{number}@x.example") for number in range(READERS)]
    assert all(one == everybody[0] for one in everybody)
    return everybody[0]


def run_or_busy(project: Project, at: datetime) -> str:
    try:
        project.run(at)
    except Busy:
        return "busy"
    return "ran"


def test_cases_1_3_18_and_27_when_several_workers_send(project: Project) -> None:
    project.configure('timezone = "UTC"', 'timezone = "Europe/Berlin"')
    import_people(project, READERS)
    project.offer(article("a"))
    with a_crew(project, 2) as crew:
        with ThreadPoolExecutor(2) as pool:  # case 1
            said = list(pool.map(lambda _: run_or_busy(project, MONDAY), range(2)))
        assert "ran" in said
        eventually(lambda: project.issue("weekly/1").state == "sent")
        assert read(project) == Counter(a=1)

        project.offer(article("a"), article("b", at=MONDAY))  # case 27
        project.run(MONDAY - HOUR)
        assert len(project.issues()) == 1

        crew.at = MONDAY + 3 * WEEK + HOUR  # case 3
        project.offer(*(article(key, at=MONDAY) for key in "abcd"))
        assert project.code(crew.at) == 0
        assert len(project.issues()) == 2
        assert read(project) == Counter(a=1, b=1, c=1, d=1)

        for number, at in enumerate((SPRING - WEEK + HOUR, SPRING - WEEK + 2 * HOUR, SPRING + HOUR)):  # case 18
            crew.at = at
            project.offer(*(article(key, at=MONDAY) for key in "abcdefg"[: 5 + number]))
            assert project.code(at) == 0
        assert len(project.issues()) == 4
        assert set(read(project).values()) == {1}
        assert len(read(project)) == 7
    assert jobs_left(project) == 0


def test_case_30_while_somebody_holds_the_database_workers_wait_and_then_go_on(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digest.store.locking._PATIENCE_SECONDS", 1)
    import_people(project, READERS)
    project.offer(article("a"))
    project.plan()
    project.environment["DIGEST_DELIVERY__RATE"] = "50"
    with a_crew(project, 2) as crew:
        eventually(lambda: len(project.sink.arrived) > 5)
        with project.app() as app, app.store.writing():
            eventually(lambda: any("another process holds it" in line for line in crew.said))
        eventually(lambda: project.issue("weekly/1").settled_at is not None)
    account = project.account("weekly/1")
    assert account["accepted"] + account.get("unknown", 0) == READERS
    arrived = Counter(one.rcpt_to for one in project.sink.arrived)
    assert set(arrived.values()) == {1}
    assert len(arrived) >= account["accepted"]


def test_case_24_a_worker_that_is_told_to_end_drains_and_another_sends_the_rest(
    tmp_path: Path, postgresql: Server, database: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digest.delivery.engines.local._DRAIN", timedelta(seconds=1))

    def silent_once(now: Now) -> React | None:
        return SILENCE if now.moment == "dot" and now.message == 10 else None

    with a_project_for_workers(tmp_path, silent_once) as project:
        import_people(project, READERS)
        project.offer(article("a"))
        project.plan()
        with a_crew(project, 1):
            eventually(lambda: len(project.sink.arrived) >= 10)
        left = project.account("weekly/1")
        assert left["unknown"] == 1
        assert not {"claimed", "sending"} & left.keys()
        with a_crew(project, 1):
            eventually(lambda: project.issue("weekly/1").settled_at is not None)
        assert project.account("weekly/1") == {"accepted": READERS - 1, "unknown": 1}
        assert max(Counter(one.rcpt_to for one in project.sink.arrived).values()) == 1

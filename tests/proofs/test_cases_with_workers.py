"""The cases of scheduling and of trouble, on PostgreSQL, where runs overlap and several workers send, each a process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from digest.testing.smtp_sink import SILENCE, Now, React
from tests.databases import Databases, Server, eventually
from tests.journeys.crew import a_crew, a_crew_of_processes, a_project_for_workers, arrived, import_people, jobs_left, shares
from tests.journeys.project import MONDAY, WEEK, Project, article

pytestmark = pytest.mark.proof

READERS = 40
HOUR = timedelta(hours=1)
FULL = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$;
CREATE TRIGGER full_disk BEFORE UPDATE ON delivery EXECUTE FUNCTION full_disk();
"""
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


def run_at(project: Project, *times: datetime) -> list[int]:
    """The exit codes of as many `digest run`, all at once."""
    running = [project.process("run", "--now", at.isoformat()) for at in times]
    for one in running:
        one.communicate(timeout=60)
    return [one.returncode for one in running]


def test_cases_1_3_18_and_27_when_several_workers_send(project: Project) -> None:
    project.configure('timezone = "UTC"', 'timezone = "Europe/Berlin"')
    import_people(project, READERS)
    project.offer(article("a"))
    with a_crew_of_processes(project, 2):
        assert sorted(run_at(project, MONDAY, MONDAY)) in ([0, 0], [0, 4])  # case 1
        eventually(lambda: project.issue("weekly/1").state == "sent")
        assert read(project) == Counter(a=1)

        project.offer(article("a"), article("b", at=MONDAY))  # case 27
        assert run_at(project, MONDAY - HOUR) == [0]
        assert len(project.issues()) == 1

    late = MONDAY + 3 * WEEK + HOUR
    with a_crew_of_processes(project, 2, late):
        project.offer(*(article(key, at=MONDAY) for key in "abcd"))  # case 3
        assert run_at(project, late) == [0]
        assert len(project.issues()) == 2
        assert read(project) == Counter(a=1, b=1, c=1, d=1)

    for number, at in enumerate((SPRING - WEEK + HOUR, SPRING - WEEK + 2 * HOUR, SPRING + HOUR)):  # case 18
        with a_crew_of_processes(project, 2, at):
            project.offer(*(article(key, at=MONDAY) for key in "abcdefg"[: 5 + number]))
            assert run_at(project, at) == [0]
    assert len(project.issues()) == 4
    assert set(read(project).values()) == {1}
    assert len(read(project)) == 7
    assert jobs_left(project) == 0


def test_case_23_several_workers_and_runs_on_one_database_send_nobody_anything_twice(project: Project) -> None:
    import_people(project, 10 * READERS)
    project.offer(article("a"))
    project.environment["DIGEST_DELIVERY__RATE"] = "100"  # so that nobody is done before the others have begun
    with a_crew_of_processes(project, 3):
        assert set(run_at(project, MONDAY, MONDAY, MONDAY)) <= {0, 4}
        eventually(lambda: project.issue("weekly/1").state == "sent")
    assert arrived(project) == Counter(f"u{number}@x.example" for number in range(10 * READERS))
    assert project.account("weekly/1") == {"accepted": 10 * READERS}
    assert len({owner for owner in shares(project) if owner.startswith("worker ")}) > 1


def test_case_24_a_worker_that_is_told_to_end_drains_and_another_sends_the_rest(
    tmp_path: Path, postgresql: Server, database: Databases
) -> None:
    def silent_once(now: Now) -> React | None:
        return SILENCE if now.moment == "dot" and now.message == 10 else None

    with a_project_for_workers(tmp_path, silent_once) as project:
        project.drain = 1
        import_people(project, READERS)
        project.offer(article("a"))
        project.plan()
        with a_crew_of_processes(project, 1):
            eventually(lambda: len(project.sink.arrived) >= 10)
        left = project.account("weekly/1")
        assert left["unknown"] == 1
        assert not {"claimed", "sending"} & left.keys()
        with a_crew_of_processes(project, 1):
            eventually(lambda: project.issue("weekly/1").settled_at is not None)
        assert project.account("weekly/1") == {"accepted": READERS - 1, "unknown": 1}
        assert max(arrived(project).values()) == 1


def test_case_30_while_somebody_holds_the_database_workers_wait_and_then_go_on(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In threads: a worker says that it waits after two minutes, and here after a second."""
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
    everybody_once(project)


def test_case_30_when_the_server_s_disk_is_full_workers_say_so_and_go_on_once_it_is_not(project: Project) -> None:
    import_people(project, READERS)
    project.offer(article("a"))
    project.plan()
    project.environment["DIGEST_DELIVERY__RATE"] = "10"
    with a_crew_of_processes(project, 2) as said, project.app() as app:
        eventually(lambda: len(project.sink.arrived) > 5)
        with app.store.writing() as connection:
            connection.execute(text(FULL))
        eventually(lambda: any("No space left on device" in line for line in said))
        before = len(project.sink.arrived)
        with app.store.writing() as connection:
            connection.execute(text("DROP FUNCTION full_disk CASCADE"))
        eventually(lambda: project.issue("weekly/1").settled_at is not None)
    assert before < READERS
    everybody_once(project)


def everybody_once(project: Project) -> None:
    """Nobody twice, and nobody lost: what is not known is in the account."""
    account, came = project.account("weekly/1"), arrived(project)
    assert account["accepted"] + account.get("unknown", 0) == READERS
    assert set(came.values()) == {1}
    assert len(came) >= account["accepted"]

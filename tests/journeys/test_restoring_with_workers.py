"""A database is restored, copied or confirmed while workers are about: none of them sends what somebody has."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import pytest
from sqlalchemy import select

from digest.app import App
from digest.app.working import Worker
from digest.delivery import jobs
from digest.delivery.ending import Ending
from digest.errors import Busy, Refused
from digest.store import epoch, tables
from digest.store.locking import among_senders
from tests.databases import Databases, Server
from tests.journeys.backups import backed_up, confirm, inhabited, restored
from tests.journeys.crew import WORKERS, jobs_left
from tests.journeys.project import Project, a_project

AT_WORK = "a worker sends from this database just now; stop the workers"


@pytest.fixture
def project(tmp_path: Path, postgresql: Server, database: Databases) -> Iterator[Project]:
    with a_project(tmp_path) as made:
        made.environment |= WORKERS
        yield inhabited(made)


def worker_of(app: App, said: list[str] | None = None) -> Worker:
    return Worker(lambda: app, threading.Event(), (said if said is not None else []).append)


def engine(monkeypatch: pytest.MonkeyPatch, work: Callable[[], object]) -> None:
    """Workers have an engine that does this and nothing else."""

    def send(*_: object) -> tuple[Ending, str]:
        work()
        return Ending.EMPTY, ""

    monkeypatch.setattr("digest.app.working.sender_of", lambda *_, **__: SimpleNamespace(work=send))


def token(app: App) -> str | None:
    with app.store.reading() as connection:
        return connection.execute(select(tables.send_epoch.c.token)).scalar_one_or_none()


def test_while_a_worker_s_engine_is_at_work_nothing_is_restored_nor_confirmed(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = backed_up(project)
    project.plan()
    looked = []

    def meanwhile() -> None:
        looked.append(restored(project, file, "--replace", code=4).stderr)
        looked.append(project.command("doctor", "--offline", "--confirm-epoch").stderr)

    engine(monkeypatch, meanwhile)
    with project.app() as app:
        assert worker_of(app)._send_of(project.issue("weekly/1").id) is Ending.EMPTY
    assert [AT_WORK in said for said in looked] == [True, True]
    assert project.account("weekly/1") == {"planned": 2}
    restored(project, file, "--replace")
    assert project.issues() == []
    confirm(project)


def test_workers_send_beside_one_another_and_not_while_something_is_restored(project: Project) -> None:
    with project.app() as app, app.store.apart() as one, app.store.apart() as two:
        with among_senders(one), among_senders(two), pytest.raises(Busy, match="stop the workers"), app.store.nobody_sends():
            pass
        with app.store.nobody_sends(), pytest.raises(Busy, match="being restored or confirmed"), among_senders(one):
            pass


def test_a_copy_from_before_during_or_between_what_workers_send_is_an_old_one(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.plan()
    with project.app() as app:
        seen = [token(app)]
        engine(monkeypatch, lambda: seen.append(token(app)))
        assert worker_of(app)._send_of(project.issue("weekly/1").id) is Ending.EMPTY
        seen.append(token(app))
        assert len({*seen}) == 3
        assert app.epoch.obstacle() is None


def test_what_was_put_back_while_an_engine_was_at_work_is_not_confirmed_by_its_end(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.plan()
    with project.app() as app:

        def put_back() -> None:
            with app.store.writing() as connection:
                epoch.mark_restored(connection)

        engine(monkeypatch, put_back)
        with pytest.raises(Refused, match="was restored from a backup"):
            worker_of(app)._send_of(project.issue("weekly/1").id)
        assert "was restored" in (app.epoch.obstacle() or "")


def test_workers_on_two_machines_share_a_file_that_was_named(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.environment["DIGEST_DATABASE__EPOCH"] = str(project.folder / "shared.epoch")
    project.plan()
    issue, sent = project.issue("weekly/1").id, []
    engine(monkeypatch, lambda: sent.append(epoch.this_machine()))
    for machine in ("one", "two", "one"):
        with mock.patch.object(epoch, "this_machine", return_value=machine), project.app() as app:
            assert worker_of(app)._send_of(issue) is Ending.EMPTY
    assert sent == ["one", "two", "one"]
    del project.environment["DIGEST_DATABASE__EPOCH"]  # beside, each has its own
    with project.app() as app, pytest.raises(Refused, match="is missing"):
        worker_of(app)._send_of(issue)


def test_in_what_was_restored_workers_do_nothing_until_a_person_confirms(project: Project) -> None:
    project.plan()
    under_way = backed_up(project)
    restored(project, under_way, "--replace")
    assert jobs_left(project) == 0  # they were for what stood here before
    with project.app() as app:
        with pytest.raises(Refused, match="was restored from a backup"):
            worker_of(app)._tend(thoroughly=True)
        assert jobs_left(project) == 0
        confirm(project)
        with app.store.nobody_sends(), pytest.raises(Busy, match="being restored or confirmed"):
            worker_of(app)._tend(thoroughly=True)
        worker_of(app)._tend(thoroughly=True)
    assert jobs_left(project) == 1


def test_a_job_for_an_issue_that_the_backup_lacks_came_late(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    before = backed_up(project)
    project.plan()
    gone = project.issue("weekly/1").id
    restored(project, before, "--replace")
    confirm(project)
    engine(monkeypatch, lambda: pytest.fail("there is nothing to send"))
    with project.app() as app:
        with app.store.writing() as connection:
            jobs.hint(connection, gone)
        assert worker_of(app)._send_of(gone) is Ending.STOPPED

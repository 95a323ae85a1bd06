"""A worker that takes up a new configuration, or begins anew for another reason: what is in flight is answered all the same."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from digest.app import App
from digest.app.rereading import Configuration, Rereader
from digest.app.sending import sender_of
from digest.app.working import Worker
from digest.delivery.engines.feed import Feed, Ticket
from digest.testing.smtp_sink import Now, React, Script
from tests.databases import Databases, Server, eventually
from tests.journeys.crew import a_project_for_workers, arrived, import_people
from tests.journeys.project import MONDAY, Project, article

longer = pytest.mark.proof  # it starts workers and waits for them; `make proofs` runs it


@pytest.fixture
def scripts() -> list[Script]:
    """How the mail server behaves: as the first of these says."""
    return []


@pytest.fixture
def project(tmp_path: Path, postgresql: Server, database: Databases, scripts: list[Script]) -> Iterator[Project]:
    with a_project_for_workers(tmp_path, lambda now: scripts[0](now) if scripts else None) as made:
        made.offer(article("a"))
        yield made


@pytest.mark.parametrize("not_a_workers", [{"DIGEST_DELIVERY__ENGINE": "local"}, {"DIGEST_DELIVERY__PROVIDER": "dry-run"}])
def test_a_configuration_that_is_not_a_worker_s_is_refused_and_the_one_before_stays(
    project: Project, not_a_workers: dict[str, str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """With it a worker would send by itself beside a run that takes it for dead, or send nothing and say that it had."""
    for name, value in project.environment.items():
        monkeypatch.setenv(name, value)
    asked, stop = threading.Event(), threading.Event()
    with project.app() as app:
        configuration = Configuration(app.settings, project.folder / "config" / "digest.toml")

        def make() -> App:
            return replace(app, settings=configuration.settings, stop=stop)

        rereader = Rereader(configuration, make, asked, stop, (Worker(make, stop, print).look_again,))
        for name, value in not_a_workers.items():
            monkeypatch.setenv(name, value)
        rereader.start()
        asked.set()
        eventually(lambda: "the configuration was refused" in caplog.text)
        stop.set()
        assert configuration.settings is app.settings


@pytest.mark.parametrize("process_ends", [False, True])
def test_what_is_in_flight_at_a_pause_is_waited_for_and_at_the_end_of_the_process_not_for_long(
    project: Project, scripts: list[Script], monkeypatch: pytest.MonkeyPatch, process_ends: bool
) -> None:
    monkeypatch.setattr("digest.delivery.engines.local._DRAIN", timedelta(seconds=0.05))
    monkeypatch.setattr("digest.delivery.engines.turns._LISTEN", 0.05)
    import_people(project, 30)
    project.plan()
    issue, feed, pause, ends = project.issue("weekly/1"), Feed(), threading.Event(), threading.Event()
    feed.offer(Ticket(issue.id, lambda: None))

    def slow(now: Now) -> React | None:
        if now.moment == "RCPT":
            pause.set()
            if process_ends:
                ends.set()
            time.sleep(0.4)
        return None

    scripts.append(slow)
    with project.app() as app:
        sender_of(replace(app, stop=pause), issue, feed=feed, ends=ends).work(issue)
    account = project.account("weekly/1")
    assert account.keys() == {"planned", "unknown" if process_ends else "accepted"}
    assert sum(account.values()) == 30


@longer
def test_a_worker_that_takes_up_a_new_configuration_loses_no_answer_however_late(
    project: Project, scripts: list[Script], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digest.app.working._DRAIN", 0.3)
    monkeypatch.setattr("digest.delivery.engines.local._DRAIN", timedelta(seconds=0.2))
    import_people(project, 60)
    project.plan()
    late, stop = threading.Event(), threading.Event()

    def once_late(now: Now) -> React | None:
        if now.moment == "RCPT" and len(project.sink.arrived) > 10 and not late.is_set():
            late.set()
            time.sleep(2)
        elif now.moment == "RCPT":
            time.sleep(0.05)
        return None

    scripts.append(once_late)
    with project.app(MONDAY) as app:
        worker = Worker(lambda: replace(app, stop=stop), stop, print)
        at_work = threading.Thread(target=worker.run, daemon=True)
        at_work.start()
        try:
            assert late.wait(20)
            worker.look_again()
            eventually(lambda: project.issue("weekly/1").state == "sent", 30)
        finally:
            stop.set()
            at_work.join(20)
    assert set(arrived(project).values()) == {1}
    assert project.account("weekly/1") == {"accepted": 60}

"""Workers for journeys: the real ones, as processes or, sooner there, in threads of the test's, each with a store and an engine of its own."""

from __future__ import annotations

import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from digest.app.working import Worker
from digest.delivery.jobs import workers
from digest.store import tables
from digest.store.database import Store
from digest.store.queue import prepare_queue
from digest.testing.smtp_sink import Script
from tests.databases import eventually
from tests.journeys.project import MONDAY, Project, a_project

WORKERS = {"DIGEST_DELIVERY__ENGINE": "workers", "DIGEST_DELIVERY__PATIENCE": "2s"}
_QUICK = {"digest.app.working._TEND": 0.3, "digest.delivery.engines.crew._TEND": 0.3, "digest.delivery.engines.crew._LOOK": 0.1}

_MOST_TO_END = 20  # seconds: a worker takes up to ten, and the machine may be busy


@contextmanager
def a_project_for_workers(folder: Path, script: Script | None = None) -> Iterator[Project]:
    """A project that workers send for; those in this process look after it more often than every few seconds."""
    with pytest.MonkeyPatch.context() as patch, a_project(folder, script) as made:
        for name, seconds in _QUICK.items():
            patch.setattr(name, seconds)
        made.environment |= WORKERS
        yield made


@dataclass(slots=True)
class Crew:
    """So many of them at work, and what they said. `at` is the time by their clocks."""

    project: Project
    at: datetime = MONDAY
    said: list[str] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def work(self) -> None:
        """One worker, until it is told to stop."""
        with self.project.app(MONDAY) as app:
            Worker(lambda: replace(app, now=self.at, stop=self.stop), self.stop, self.said.append).run()


@contextmanager
def a_crew(project: Project, many: int) -> Iterator[Crew]:
    """So many workers that show that they live, until the end of the block."""
    crew = Crew(project)
    threads = [threading.Thread(target=crew.work, daemon=True) for _ in range(many)]
    with ExitStack() as stack:
        with project.app() as app:
            prepare_queue(app.store)
            for thread in threads:
                thread.start()
                stack.callback(thread.join, 20)
            stack.callback(crew.stop.set)
            eventually(lambda: alive(app.store) >= many)
        yield crew
    assert not any(thread.is_alive() for thread in threads), "a worker does not end"


@contextmanager
def a_crew_of_processes(project: Project, many: int, at: datetime = MONDAY) -> Iterator[list[str]]:
    """So many `digest worker`, by whose clocks it is `at`; gives the lines that they say. At the end of the block they are told to end."""
    said: list[str] = []
    with ExitStack() as stack, project.app() as app:
        prepare_queue(app.store)
        before = alive(app.store)
        for _ in range(many):
            stack.enter_context(_a_worker(project, at, said))
        eventually(lambda: alive(app.store) >= before + many)
        yield said


@contextmanager
def _a_worker(project: Project, at: datetime, said: list[str]) -> Iterator[None]:
    process = project.process("worker", "--now", at.isoformat())
    assert process.stdout is not None
    assert process.stderr is not None
    hearing = [threading.Thread(target=said.extend, args=(pipe,)) for pipe in (process.stdout, process.stderr)]
    for one in hearing:
        one.start()
    try:
        yield
        process.send_signal(signal.SIGTERM)
        assert process.wait(_MOST_TO_END) == 0, said[-5:]
    finally:
        process.kill()
        for one in hearing:
            one.join()
        process.communicate()


def alive(store: Store) -> int:
    """How many workers show that they live."""
    with store.reading() as connection:
        return workers(connection)


def import_people(project: Project, many: int) -> None:
    """So many readers of everything."""
    rows = "".join(f"u{number}@x.example,yes\n" for number in range(many))
    (project.folder / "people.csv").write_text("email,confirmed\n" + rows, encoding="utf-8")
    assert project.command("subscribers", "import", "people.csv").returncode == 0


def jobs_left(project: Project) -> int:
    """How many jobs there are, waiting or in hand."""
    with project.app() as app, app.store.reading() as connection:
        return int(connection.execute(text("SELECT count(*) FROM digest_jobs.procrastinate_jobs")).scalar_one())


def shares(project: Project) -> dict[str, int]:
    """How many deliveries each owner claimed."""
    batch = tables.batch.c
    with project.app() as app, app.store.reading() as connection:
        claimed = select(batch.owner, func.sum(batch.size)).group_by(batch.owner)
        return {row[0]: row[1] for row in connection.execute(claimed)}


def arrived(project: Project) -> Counter[str]:
    """How many mails came for each address."""
    return Counter(one.rcpt_to for one in project.sink.arrived if one.accepted)

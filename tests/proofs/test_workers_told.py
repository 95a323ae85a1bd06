"""Processes of a project that workers send: told to end they end in time and lose nothing, and a new configuration is taken up whole."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from digest.store.queue import prepare_queue
from digest.testing.smtp_sink import Now, React, SmtpSink
from tests.databases import Databases, Server, eventually
from tests.journeys.crew import WORKERS, alive, import_people
from tests.journeys.project import Project, a_project, article
from tests.proofs.test_long_running import A_MOMENT_BEFORE, said, wait_until

pytestmark = pytest.mark.proof

READERS = 60
MOST = 10.0  # seconds
AT_THE_SLOT = "2026-11-23T09:00:01Z"


def slowly(now: Now) -> React | None:
    if now.moment == "RCPT":
        time.sleep(0.05)
    return None


@pytest.fixture
def project(tmp_path: Path, postgresql: Server, database: Databases) -> Iterator[Project]:
    with a_project(tmp_path, slowly) as made:
        made.environment |= WORKERS | {"DIGEST_DELIVERY__CONCURRENCY": "2"}
        import_people(made, READERS)
        made.offer(article("a"))
        yield made


@contextmanager
def at_work(project: Project, *commands: tuple[str, ...]) -> Iterator[list[subprocess.Popen[str]]]:
    """Real processes; whoever has not ended by the end is killed."""
    processes = [project.process(*command) for command in commands]
    try:
        yield processes
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
            process.communicate()


def told_to_end(process: subprocess.Popen[str]) -> float:
    """After how many seconds it has ended, by itself."""
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=30)
    assert process.returncode in {0, 1}, errors
    assert "Traceback" not in errors
    return time.monotonic() - began


def arrived(project: Project) -> Counter[str]:
    return Counter(one.rcpt_to for one in project.sink.arrived if one.accepted)


def worker(project: Project) -> tuple[str, ...]:
    with project.app() as app:
        prepare_queue(app.store)
    return ("worker", "--now", AT_THE_SLOT)


def finish(project: Project) -> None:
    """Somebody new comes to work, and there is an account of everybody."""
    with at_work(project, worker(project)):
        eventually(lambda: project.issue("weekly/1").settled_at is not None, 60)


@pytest.mark.parametrize("kind", ["worker", "run", "scheduler", "serve"])
def test_case_24_whoever_is_told_to_end_while_workers_send_ends_within_ten_seconds_and_nothing_is_lost(
    project: Project, kind: str
) -> None:
    asks = {
        "run": ("run", "--wait", "10s", "--now", AT_THE_SLOT),
        "scheduler": ("scheduler", "--now", A_MOMENT_BEFORE),
        "serve": ("serve", "--port", "0", "--now", A_MOMENT_BEFORE),
    }
    with at_work(project, worker(project), asks.get(kind, asks["run"])) as (sends, runs):
        wait_until(lambda: len(project.sink.arrived) >= 5, sends)
        assert len(arrived(project)) < READERS, "it has nothing left to lose"
        seconds = told_to_end(sends if kind == "worker" else runs)
        print(f"{kind} ended after {seconds:.1f} s")
        assert seconds < MOST
        if kind == "worker":
            assert not {"claimed", "sending"} & project.account("weekly/1").keys()
            runs.kill()
        else:
            eventually(lambda: project.issue("weekly/1").settled_at is not None, 60)  # the worker goes on
    if kind == "worker":
        finish(project)
    assert set(arrived(project).values()) == {1}
    assert len(arrived(project)) == READERS
    assert project.account("weekly/1") == {"accepted": READERS}


@pytest.mark.parametrize("frozen", [False, True])
def test_a_worker_that_is_told_to_end_while_database_and_collector_are_away_ends_within_ten_seconds(
    project: Project, postgresql: Server, frozen: bool
) -> None:
    project.plan()
    with socket.create_server(("127.0.0.1", 0)) as silent:  # it never answers
        project.environment["DIGEST_TRACING__ENDPOINT"] = f"http://127.0.0.1:{silent.getsockname()[1]}/v1/traces"
        end_while_the_server_is_away(project, postgresql, frozen=frozen)
        del project.environment["DIGEST_TRACING__ENDPOINT"]
    finish(project)
    account = project.account("weekly/1")
    assert account["accepted"] + account.get("unknown", 0) == READERS
    assert set(arrived(project).values()) == {1}
    assert account["accepted"] <= len(arrived(project)) <= READERS


@contextmanager
def away(postgresql: Server, *, frozen: bool) -> Iterator[None]:
    """Whoever asks the server is refused, or, where it is `frozen`, gets no answer at all."""
    if not frozen:
        postgresql.stop()
        try:
            yield
        finally:
            postgresql.start()
        return
    processes = postgresql.processes()
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)


def end_while_the_server_is_away(project: Project, postgresql: Server, *, frozen: bool) -> None:
    with at_work(project, worker(project)) as (sends,):
        wait_until(lambda: len(project.sink.arrived) >= 5, sends)
        with away(postgresql, frozen=frozen):
            time.sleep(2)
            seconds = told_to_end(sends)
    print(f"ended after {seconds:.1f} s")
    assert seconds < MOST


def test_a_worker_refuses_a_broken_configuration_with_its_line_and_takes_up_one_that_is_whole(project: Project) -> None:
    file = project.folder / "config" / "digest.toml"
    whole, port = file.read_text(encoding="utf-8"), project.environment.pop("DIGEST_PROVIDERS__SMTP__PORT")
    assert whole.count("port = 587\n") == 1
    project.environment["DIGEST_DELIVERY__RATE"] = "8"

    def write(port: int, articles: str = "20") -> None:
        text = whole.replace("port = 587\n", f"port = {port}\n").replace("max_articles = 20", f"max_articles = {articles}")
        file.write_text(text, encoding="utf-8")

    write(int(port))
    project.plan()
    with SmtpSink() as other, at_work(project, worker(project)) as (sends,):
        wait_until(lambda: len(project.sink.arrived) >= 5, sends)
        write(other.port, "none")
        sends.send_signal(signal.SIGHUP)
        line = said(sends, "the configuration was refused")
        assert "config/digest.toml: is not TOML" in line
        assert "line " in line
        seen = len(project.sink.arrived)
        wait_until(lambda: len(project.sink.arrived) > seen + 5, sends)
        assert not other.arrived, "half of what was refused was taken up"
        write(other.port)
        sends.send_signal(signal.SIGHUP)
        eventually(lambda: project.issue("weekly/1").settled_at is not None, 60)
        assert other.arrived
        everybody = Counter(one.rcpt_to for one in (*project.sink.arrived, *other.arrived) if one.accepted)
        assert told_to_end(sends) < MOST
    assert set(everybody.values()) == {1}
    assert len(everybody) == READERS
    assert project.account("weekly/1") == {"accepted": READERS}


def test_workers_are_seen_to_live_and_one_that_has_left_is_not(project: Project) -> None:
    with project.app() as app, at_work(project, worker(project), worker(project)) as (first, second):
        eventually(lambda: alive(app.store) == 2, 30)
        for left, process in ((1, first), (0, second)):
            assert told_to_end(process) < MOST
            assert alive(app.store) == left

"""Several workers on one PostgreSQL: a run plans and waits, they send; whatever is decided meanwhile holds in each of them."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from digest.app.sending import sender_of
from digest.app.working import Worker
from digest.cli.reports import exit_code_of_run
from digest.delivery import jobs
from digest.delivery.engines.feed import Feed
from digest.delivery.halting import halt, lift
from digest.delivery.sharing import hold
from digest.errors import Refused, UsageError
from digest.store import tables
from digest.store.queue import prepare_queue
from digest.testing.smtp_sink import Now, React, Script
from tests.databases import Databases, Server, eventually
from tests.journeys.crew import a_crew, a_project_for_workers, arrived, import_people, jobs_left, shares
from tests.journeys.project import MONDAY, Project, article

PEOPLE = 120
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


def test_case_23_workers_share_what_a_run_has_planned_and_the_run_has_the_account(project: Project) -> None:
    import_people(project, PEOPLE)
    with a_crew(project, 2):
        assert project.code() == 0
    assert arrived(project) == Counter(f"u{number}@x.example" for number in range(PEOPLE))
    assert project.account("weekly/1") == {"accepted": PEOPLE}
    assert project.issue("weekly/1").state == "sent"
    assert jobs_left(project) == 0
    assert all(owner.startswith("worker ") for owner in shares(project))


def test_jobs_are_there_with_the_plan_or_neither_is(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    import_people(project, 30)

    def fail(*_: object, **__: object) -> int:
        raise Refused("no jobs today")

    with monkeypatch.context() as patch:
        patch.setattr("digest.delivery.jobs.top_up", fail)
        assert project.code() == 3
    assert project.issue("weekly/1").state == "approved"
    assert project.account("weekly/1") == {}
    project.plan()
    assert project.account("weekly/1") == {"planned": 30}
    assert jobs_left(project) == 3  # of ten each


@longer
def test_without_a_worker_the_run_says_so_and_workers_that_come_later_finish_and_account(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("digest.delivery.engines.crew._LEAST_PATIENCE", 0)
    import_people(project, 30)
    ran = project.run()
    assert exit_code_of_run(ran) == 1
    assert "no worker is at work; start `digest worker`" in ran.handled[0].note
    assert project.account("weekly/1") == {"planned": 30}
    with a_crew(project, 1):
        eventually(lambda: project.issue("weekly/1").state == "sent")
    assert project.account("weekly/1") == {"accepted": 30}


@longer
def test_a_job_that_comes_late_or_twice_sends_nothing_and_one_that_is_lost_is_made_anew(project: Project) -> None:
    import_people(project, 30)
    project.plan()
    with project.app() as app, app.store.writing() as connection:
        jobs.drop(connection, project.issue("weekly/1").id)
    with a_crew(project, 1):
        eventually(lambda: project.issue("weekly/1").state == "sent")
        with project.app() as app, app.store.writing() as connection:
            for _ in range(5):
                jobs.hint(connection, project.issue("weekly/1").id)
        eventually(lambda: jobs_left(project) == 0)
    assert set(arrived(project).values()) == {1}
    assert len(arrived(project)) == 30


@longer
def test_a_pause_and_a_halt_stop_every_worker_and_afterwards_they_go_on(project: Project) -> None:
    import_people(project, PEOPLE)
    project.plan()
    project.environment["DIGEST_DELIVERY__RATE"] = "100"
    with a_crew(project, 2):
        for stop, go_on in ((pause, resume), (halt_all, lift_all)):
            before = len(project.sink.arrived)
            eventually(lambda before=before: len(project.sink.arrived) > before + 10)  # type: ignore[misc]  # mypy cannot infer it
            stop(project)
            eventually(lambda: not {"claimed", "sending"} & project.account("weekly/1").keys())
            assert project.account("weekly/1")["planned"] > 0
            go_on(project)
        eventually(lambda: project.issue("weekly/1").state == "sent")
    assert set(arrived(project).values()) == {1}
    assert len(arrived(project)) == PEOPLE


def pause(project: Project) -> None:
    assert project.command("issues", "pause", "weekly/1").returncode == 0


def resume(project: Project) -> None:
    assert project.command("issues", "resume", "weekly/1").returncode == 0


def halt_all(project: Project) -> None:
    with project.app() as app, app.store.writing() as connection:
        halt(connection, "stop everything", "a person", MONDAY)


def lift_all(project: Project) -> None:
    with project.app() as app, app.store.writing() as connection:
        lift(connection, "a person", MONDAY)


@longer
def test_who_leaves_while_the_jobs_wait_gets_nothing(project: Project) -> None:
    import_people(project, 20)
    project.plan()
    project.leave("u3@x.example")
    with a_crew(project, 2):
        eventually(lambda: project.issue("weekly/1").state == "sent")
    assert "u3@x.example" not in arrived(project)
    assert project.account("weekly/1") == {"accepted": 19, "cancelled": 1}


@longer
def test_what_was_deferred_comes_again_and_is_accounted(project: Project, scripts: list[Script]) -> None:
    import_people(project, 20)
    project.plan()
    refused: set[str] = set()

    def later_once(now: Now) -> React | None:
        few = any(f"u{number}@" in now.line for number in range(2))
        if now.moment != "RCPT" or not few or now.line in refused:
            return None
        refused.add(now.line)
        return React("451 4.7.1 later")

    scripts.append(later_once)
    with a_crew(project, 2):
        eventually(lambda: project.issue("weekly/1").state == "sent")
    assert len(refused) == 2
    assert project.account("weekly/1") == {"accepted": 20}


@longer
def test_a_canary_is_as_large_for_several_workers_as_for_one(project: Project) -> None:
    import_people(project, PEOPLE)
    project.plan()
    project.environment |= {"DIGEST_DELIVERY__CANARY": "0.1", "DIGEST_DELIVERY__CANARY_WAIT": "1h"}
    with a_crew(project, 3):
        eventually(lambda: project.issue("weekly/1").canary_until is not None)
        eventually(lambda: not {"claimed", "sending"} & project.account("weekly/1").keys())
    assert project.account("weekly/1") == {"accepted": 12, "planned": PEOPLE - 12}


def test_a_canary_is_waited_for_until_whoever_came_first_said(project: Project) -> None:
    project.environment |= {"DIGEST_DELIVERY__CANARY": "0.1", "DIGEST_DELIVERY__CANARY_WAIT": "1h"}
    import_people(project, 30)
    project.plan()
    issue = project.issue("weekly/1")
    with project.app() as app:
        first, second = sender_of(app, issue, feed=Feed()), sender_of(app, issue, feed=Feed())
        assert second._canary_left(issue) == 3
        verdict = first._await_canary(issue)
        until = project.issue("weekly/1").canary_until
        assert until is not None
        assert second._canary_left(issue) == 0
        assert second._await_canary(issue) == verdict
        assert project.issue("weekly/1").canary_until == until


def test_a_worker_wants_something_to_share(project: Project) -> None:
    def worker(**environment: str) -> Worker:
        with project.app(MONDAY, **environment) as app:
            app = replace(app, stop=threading.Event())
            return Worker(lambda: app, app.stop, print)

    with pytest.raises(UsageError, match=r'delivery\.engine is "local"'):
        worker(DIGEST_DELIVERY__ENGINE="local").run()
    with pytest.raises(UsageError, match=r"delivery\.provider is dry-run"):
        worker(DIGEST_DELIVERY__PROVIDER="dry-run").run()


def test_a_dry_run_is_one_process_s_and_makes_no_job(project: Project) -> None:
    import_people(project, 5)
    assert project.command("run", "--dry-run", "--now", MONDAY.isoformat()).returncode == 0
    with project.app() as app, app.store.reading() as connection:
        assert connection.execute(select(func.count()).select_from(tables.issue)).scalar_one() == 0
        prepare_queue(app.store)
    assert jobs_left(project) == 0


def test_while_the_provider_wants_to_wait_no_job_is_made_though_there_is_another_provider(project: Project) -> None:
    """Such a job would find the first one held, and have it held for longer, again and again."""
    import_people(project, 30)
    project.plan()
    project.environment |= {"DIGEST_DELIVERY__FALLBACK": "sendgrid", "DIGEST_PROVIDERS__SENDGRID__API_KEY": "SG.nobody.listens"}
    with project.app() as app:
        issue = project.issue("weekly/1")
        with app.store.writing() as connection:
            jobs.drop(connection, issue.id)
            hold(connection, "smtp", datetime.now(UTC) + timedelta(minutes=1))
        sender_of(app, issue).tend(issue, thoroughly=True)
        assert jobs_left(project) == 0
        with app.store.writing() as connection:
            connection.execute(update(tables.provider_pace).values(held_until=None))
        sender_of(app, issue).tend(issue, thoroughly=True)
    assert jobs_left(project) == 3

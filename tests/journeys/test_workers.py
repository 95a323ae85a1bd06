"""Several workers on one PostgreSQL: a run plans and waits, they send; whatever is decided meanwhile holds in each of them."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, text, update

from digest.app import App
from digest.app.rereading import Configuration, Rereader
from digest.app.sending import sender_of
from digest.app.working import Worker
from digest.cli.reports import exit_code_of_run
from digest.delivery import jobs
from digest.delivery.engines.feed import Feed, Ticket
from digest.delivery.halting import halt, lift
from digest.delivery.ledger import Ledger
from digest.delivery.providers.answer import Answer, Outcome
from digest.delivery.sharing import hold
from digest.errors import Refused, UsageError
from digest.store import tables
from digest.store.queue import at_its_tables, prepare_queue
from digest.testing.smtp_sink import Now, React, Script
from tests.databases import Databases, Server, eventually
from tests.journeys.crew import WORKERS, a_crew, import_people, jobs_left, shares
from tests.journeys.project import MONDAY, Project, a_project, article
from tests.marking import mark_batch, settle_batch

PEOPLE = 120
longer = pytest.mark.proof  # it starts workers and waits for them; `make proofs` runs it


@pytest.fixture
def scripts() -> list[Script]:
    """How the mail server behaves: as the first of these says."""
    return []


@pytest.fixture
def project(
    tmp_path: Path, postgresql: Server, database: Databases, scripts: list[Script], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Project]:
    monkeypatch.setattr("digest.app.working._TEND", 0.3)
    monkeypatch.setattr("digest.delivery.engines.crew._TEND", 0.3)
    monkeypatch.setattr("digest.delivery.engines.crew._LOOK", 0.1)
    with a_project(tmp_path, lambda now: scripts[0](now) if scripts else None) as made:
        made.environment |= WORKERS
        made.offer(article("a"))
        yield made


def arrived(project: Project) -> Counter[str]:
    return Counter(one.rcpt_to for one in project.sink.arrived if one.accepted)


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


def test_a_run_that_sends_by_itself_takes_nothing_from_a_worker_that_lives(project: Project) -> None:
    import_people(project, 30)
    project.plan()
    issue, owner, now = project.issue("weekly/1"), jobs.owner_name("elsewhere"), datetime.now(UTC)
    with project.app() as app:
        with app.store.apart() as session:
            jobs.show_alive(session, owner)
            with app.store.writing() as connection:
                ledger = Ledger(issue.id, issue.newsletter, "smtp", owner)
                assert ledger.claim(connection, 10, now=now, lease=timedelta(minutes=5), sub_revision=0) is not None
            project.code(DIGEST_DELIVERY__ENGINE="local")  # the configuration of one machine is another's
            assert project.account("weekly/1") == {"accepted": 20, "claimed": 10}
        assert project.code(DIGEST_DELIVERY__ENGINE="local") == 0
    assert project.account("weekly/1") == {"accepted": 30}
    assert set(arrived(project).values()) == {1}


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


def test_what_a_worker_had_in_hand_when_it_died_waits_for_no_sign_of_life(project: Project) -> None:
    import_people(project, 30)
    project.plan()
    issue, now = project.issue("weekly/1"), datetime.now(UTC)
    in_hand = "UPDATE procrastinate_jobs SET status = 'doing', worker_id = (SELECT max(id) FROM procrastinate_workers)"
    with project.app() as app:
        with app.store.writing() as connection, at_its_tables(connection):
            connection.execute(text("INSERT INTO procrastinate_workers DEFAULT VALUES"))  # just now it gave one
            connection.execute(text(in_hand))
        with app.store.apart() as session:
            jobs.show_alive(session, jobs.owner_name("elsewhere"))
            with app.store.writing() as connection:
                ledger = Ledger(issue.id, issue.newsletter, "smtp", jobs.owner_name("elsewhere"))
                ledger.claim(connection, 10, now=now, lease=timedelta(minutes=5), sub_revision=0)
            sender_of(app, issue).tend(issue, thoroughly=False)
            assert jobs_left(project) == 3  # it is at work
        sender_of(app, issue).tend(issue, thoroughly=False)
    assert jobs_left(project) == 6
    assert project.account("weekly/1") == {"planned": 30}


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


@contextmanager
def elsewhere(project: Project) -> Iterator[tuple[Ledger, int, list[int]]]:
    """A worker of another machine lives meanwhile, and has handed over a batch of ten: its ledger, the batch, and whose."""
    issue, owner, now = project.issue("weekly/1"), jobs.owner_name("elsewhere"), datetime.now(UTC)
    ledger = Ledger(issue.id, issue.newsletter, "smtp", owner)
    with project.app() as app, app.store.apart() as session:
        jobs.show_alive(session, owner)
        with app.store.writing() as connection:
            claim = ledger.claim(connection, 10, now=now, lease=timedelta(minutes=5), sub_revision=0)
            assert claim is not None
            batch, whose = claim[0].batch, list(claim[0].recipients)
            assert mark_batch(ledger, connection, batch, whose, now=now) == whose
        yield ledger, batch, whose


@pytest.mark.parametrize("engine", ["workers", "local"])
def test_an_issue_that_is_cancelled_is_settled_when_workers_that_live_have_their_answers(project: Project, engine: str) -> None:
    import_people(project, 30)
    project.plan()
    with elsewhere(project) as (ledger, batch, whose), project.app() as app:
        assert project.command("issues", "cancel", "weekly/1", "--reason", "a mistake").returncode == 0
        project.run(DIGEST_DELIVERY__ENGINE=engine)
        assert project.account("weekly/1") == {"sending": 10, "cancelled": 20}
        assert project.issue("weekly/1").settled_at is None
        with app.store.writing() as connection:
            answer, now = Answer((Outcome.ACCEPTED,) * 10), datetime.now(UTC)
            settle_batch(ledger, connection, batch, whose, answer, now=now, retry_at={})
        project.run(DIGEST_DELIVERY__ENGINE=engine)
        assert project.account("weekly/1") == {"accepted": 10, "cancelled": 20}
        assert project.issue("weekly/1").settled_at is not None


def test_a_dry_run_of_an_issue_that_workers_send_shows_it(project: Project) -> None:
    import_people(project, 30)
    project.plan()
    with elsewhere(project):
        for dry in (("send", "weekly/1", "--dry-run"), ("run", "--dry-run")):
            assert project.command(*dry).returncode == 1  # in the copy the ten are unknown
        assert project.account("weekly/1") == {"planned": 20, "sending": 10}


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

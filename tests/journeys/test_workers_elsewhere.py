"""What workers of other machines have under way: neither a run nor a look at the issue takes it from one that lives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from digest.app.sending import sender_of
from digest.delivery import jobs
from digest.delivery.ledger import Ledger
from digest.delivery.providers.answer import Answer, Outcome
from digest.store.queue import at_its_tables
from tests.databases import Databases, Server
from tests.journeys.crew import a_project_for_workers, arrived, import_people, jobs_left
from tests.journeys.project import Project, article
from tests.marking import mark_batch, settle_batch


@pytest.fixture
def project(tmp_path: Path, postgresql: Server, database: Databases) -> Iterator[Project]:
    with a_project_for_workers(tmp_path) as made:
        made.offer(article("a"))
        yield made


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

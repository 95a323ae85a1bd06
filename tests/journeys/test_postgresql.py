"""The main job with its state in PostgreSQL, and what may happen to a server meanwhile."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from digest.store.database import Store
from digest.testing.smtp_sink import Now
from tests.databases import Databases, Server
from tests.journeys.cutter import Cutter
from tests.journeys.project import MONDAY, WEEK, Project, a_project, article

NOW = MONDAY.isoformat()
LATER = (MONDAY + timedelta(minutes=5)).isoformat()


@pytest.fixture
def running(postgresql: Server) -> Iterator[Server]:
    """A server that a test may stop."""
    yield postgresql
    postgresql.stop(at_once=True)
    postgresql.start()


def people(project: Project, many: int) -> None:
    rows = "".join(f"u{number}@x.example,yes\n" for number in range(many))
    (project.folder / "people.csv").write_text("email,confirmed\n" + rows, encoding="utf-8")
    assert project.command("subscribers", "import", "people.csv").returncode == 0
    project.offer(article("a"))


def arrived(project: Project) -> Counter[str]:
    return Counter(one.rcpt_to for one in project.sink.arrived)


def test_after_a_kill_on_postgresql_nobody_gets_it_twice_and_all_are_counted(tmp_path: Path, postgresql: Server) -> None:
    with a_project(tmp_path) as project:
        people(project, 60)
        with project.process("run", "--now", NOW) as process:
            while len(project.sink.arrived) < 15 and process.poll() is None:
                time.sleep(0.001)
            process.kill()
            process.communicate()
        again = project.command("run", "--now", NOW)
        assert again.returncode in {0, 1}, again.stderr
        account = project.account("weekly/1")
        assert max(arrived(project).values()) == 1
        assert account["accepted"] + account.get("unknown", 0) == 60
        assert 60 - len(arrived(project)) <= account.get("unknown", 0) <= 2


def everything(project: Project) -> dict[str, list[str]]:
    """Every row of every table that there is."""
    with closing(Store(project.environment["DIGEST_DATABASE__URL"])) as store, store.reading() as connection:
        names = inspect(connection).get_table_names()
        return {name: sorted(map(repr, connection.execute(text(f'SELECT * FROM "{name}"')))) for name in names}


def test_a_dry_run_on_postgresql_changes_no_row_and_makes_no_table(
    tmp_path: Path, postgresql: Server, database: Databases
) -> None:
    with a_project(tmp_path) as project:
        people(project, 3)
        empty = {"DIGEST_DATABASE__URL": database.url(tmp_path, prepared=False)}
        assert project.command("run", "--dry-run", "--now", NOW, **empty).returncode == 0
        project.run()
        before, connections = everything(project), project.sink.connections
        assert len(before["delivery"]) == 3
        project.offer(article("a"), article("b", at=MONDAY))
        for _ in range(2):
            dry = project.command("run", "--dry-run", "--now", (MONDAY + WEEK).isoformat())
            assert dry.returncode == 0, dry.stderr
        assert everything(project) == before
        project.environment |= empty
        assert everything(project) == {}
        assert project.sink.connections == connections


@pytest.mark.parametrize("back_at_once", [True, False])
def test_a_server_that_stops_in_the_middle_of_a_send_ends_the_run_and_the_next_goes_on(
    tmp_path: Path, running: Server, back_at_once: bool
) -> None:
    stops, stopped_once = iter([True]), threading.Event()

    def script(now: Now) -> None:
        if now.moment == "dot" and now.message == 5 and next(stops, False):
            running.stop(at_once=True)
            if back_at_once:
                running.start()
            stopped_once.set()

    with a_project(tmp_path, script) as project:
        people(project, 20)
        stopped = project.command("run", "--now", NOW)
        assert stopped.returncode == 5
        (line,) = stopped.stderr.splitlines()
        assert line.startswith("digest: the database postgresql+psycopg://"), line
        assert "run again when it answers" in line
        assert stopped_once.wait(60)
        if not back_at_once:
            down = project.command("run", "--now", NOW)
            assert (down.returncode, len(down.stderr.splitlines())) == (5, 1)
            running.start()
        again = project.command("run", "--now", LATER)
        assert again.returncode == 1, again.stderr
        account = project.account("weekly/1")
        assert set(arrived(project).values()) == {1}
        assert account["accepted"] + account["unknown"] == 20
        assert 20 - len(arrived(project)) <= account["unknown"] <= 4  # for each connection one answer, and one mark


@pytest.mark.parametrize(
    "kept", [pytest.param(True, id="committed"), pytest.param(False, id="not-committed", marks=pytest.mark.proof)]
)
def test_a_connection_that_is_lost_at_any_commit_of_a_run_costs_nobody_a_mail_and_sends_none_twice(
    tmp_path: Path, postgresql: Server, database: Databases, kept: bool
) -> None:
    """Week after week another commit of the run is cut off, and nobody tells whether it held."""
    with a_project(tmp_path) as project, Cutter(postgresql.folder / ".s.PGSQL.5432", database.made[0]) as cutter:
        project.environment["DIGEST_DELIVERY__CONCURRENCY"] = "1"
        people(project, 2)
        offered, unknown = [], 0
        for week in range(40):
            at = MONDAY + week * WEEK
            offered.append(article(f"w{week}", at=at))
            project.offer(*offered)
            cutter.arm(week + 1, kept=kept)
            said = project.command("run", "--now", at.isoformat(), DIGEST_DATABASE__URL=cutter.url)
            if not cutter.cut:
                break
            assert (said.returncode, len(said.stderr.splitlines())) == (5, 1), said
            assert said.stderr.startswith("digest: the database postgresql+psycopg://")
            again = project.command("run", "--now", (at + timedelta(minutes=5)).isoformat())
            assert again.returncode in {0, 1}, again.stderr
            account = project.account(f"weekly/{week + 1}")
            assert account["accepted"] + account.get("unknown", 0) == 2, (week, account)
            assert account.get("unknown", 0) <= 1, (week, account)
            unknown += account.get("unknown", 0)
            if account.get("unknown"):
                assert project.command("issues", "resolve", f"weekly/{week + 1}", "--as", "accepted").returncode == 0
        assert (said.returncode, cutter.commits) == (0, week)
        assert week > 10
        everything = [project.everything_read(f"u{number}@x.example") for number in range(2)]
        assert {times for got in everything for times in got.values()} == {1}
        assert 0 <= sum(len(offered) - len(got) for got in everything) <= unknown <= week / 2

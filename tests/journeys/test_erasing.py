"""Somebody asks to be forgotten."""

from __future__ import annotations

import json
from pathlib import Path

from sqlalchemy import select, update

from digest.audience.suppression import suppress
from digest.store import tables
from digest.testing.smtp_sink import Now, React
from tests.journeys.project import MONDAY, WEEK, Project, a_project, article

EVE = "eve-birdsong@x.example"
NOW, LATER = MONDAY.isoformat(), (MONDAY + WEEK).isoformat()


def unknown(now: Now) -> React | None:
    """The server does not know Eve's address."""
    return React("550 5.1.1 no such user") if now.moment == "RCPT" and EVE in now.line else None


def two_people(project: Project) -> None:
    project.join(EVE)
    project.join("bob@x.example")
    project.offer(article("a"))


def words(project: Project) -> str:
    """Everything that the database holds, as text."""
    with project.app() as app, app.store.reading() as connection:
        return str([connection.execute(select(table)).all() for table in tables.metadata.sorted_tables])


def test_who_is_erased_leaves_no_trace_but_the_sums(tmp_path: Path) -> None:
    with a_project(tmp_path, unknown) as project:
        two_people(project)
        assert project.command("run", "--now", NOW).returncode == 1
        with project.app() as app, app.store.writing() as connection:  # a provider may repeat the address in any form
            connection.execute(update(tables.delivery).where(tables.delivery.c.state == "rejected").values(answer=f"told {EVE}"))
            connection.execute(
                update(tables.history).where(tables.history.c.subscriber_id.is_not(None)).values(reason=f"told {EVE}")
            )
        assert words(project).count(EVE) == 4
        before = project.account("weekly/1")
        got = project.command("subscribers", "erase", EVE.title())
        assert (got.returncode, got.stdout) == (0, "erased; the ledger keeps its counts and no name\n")
        assert project.account("weekly/1") == before == {"accepted": 1, "rejected": 1}
        assert EVE not in words(project)
        for file in project.folder.glob("digest.db*"):
            assert EVE.encode() not in file.read_bytes(), file
        for arguments in (("show", EVE), ("erase", EVE)):
            got = project.command("subscribers", *arguments)
            assert (got.returncode, "nobody is known" in got.stderr) == (2, True)
        project.offer(article("a"), article("b", at=MONDAY))
        assert project.command("run", "--now", LATER).returncode == 0
        assert (project.read("bob@x.example"), project.mails(EVE)) == ([["a"], ["b"]], [])


def test_what_waits_for_somebody_who_was_erased_is_not_sent_and_the_issue_still_ends(tmp_path: Path) -> None:
    with a_project(tmp_path) as project:
        two_people(project)
        assert project.command("run", "--now", NOW, DIGEST_PROVIDERS__SMTP__PORT="1").returncode == 5
        assert project.command("subscribers", "erase", EVE).returncode == 0
        assert project.command("run", "--now", NOW).returncode == 0
        assert project.account("weekly/1") == {"accepted": 1, "cancelled": 1}
        assert (project.issue("weekly/1").state, project.mails(EVE)) == ("sent", [])


def test_who_is_erased_between_two_others_costs_neither_of_them_a_mail(tmp_path: Path) -> None:
    with a_project(tmp_path) as project:
        for email in ("ann@x.example", EVE, "bob@x.example"):
            project.join(email)
        project.offer(article("a"))
        one_lane = {"DIGEST_DELIVERY__CONCURRENCY": "1"}
        assert project.command("run", "--now", NOW, **one_lane, DIGEST_PROVIDERS__SMTP__PORT="1").returncode == 5
        assert project.command("subscribers", "erase", EVE).returncode == 0
        assert project.command("run", "--now", NOW, **one_lane).returncode == 0
        assert project.account("weekly/1") == {"accepted": 2, "cancelled": 1}


def test_nobody_is_erased_while_a_mail_to_them_is_on_its_way(tmp_path: Path) -> None:
    with a_project(tmp_path) as project:
        two_people(project)
        project.run()
        with project.app() as app, app.store.writing() as connection:
            connection.execute(update(tables.delivery).values(state="sending"))
        got = project.command("subscribers", "erase", EVE)
        assert got.returncode == 3
        assert "being sent just now" in got.stderr
        assert EVE in words(project)


def test_a_suppression_outlives_the_person(tmp_path: Path) -> None:
    with a_project(tmp_path) as project:
        two_people(project)
        with project.app() as app, app.store.writing() as connection:
            suppress(connection, EVE, "weekly", reason="complained", source="test", now=MONDAY)
        got = project.command("subscribers", "erase", EVE, "--json")
        assert json.loads(got.stdout) == {"erased": True, "still_suppressed": True}
        project.join(EVE)
        project.run()
        assert project.account("weekly/1") == {"accepted": 1, "suppressed": 1}

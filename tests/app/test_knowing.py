"""Everything that is known of a person: told to them whole, and gone when they are erased."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import insert, select

from digest.app.knowing import TOLD, known_of
from digest.audience import questions
from digest.audience.finding import find_subscriber, subscriptions_of
from digest.audience.suppression import suppress
from digest.store import tables
from tests.databases import Databases
from tests.journeys.project import MONDAY, Project, a_project, article

EVE, NEW = "eve-birdsong@x.example", "eve-nightingale@x.example"
_OF_PEOPLE = {"subscriber_id", "address", "email"}
# Of those who look after newsletters; what anybody typed at the desk's door is gone after a day.
_OF_EDITORS = {"editor_link", "editor_session"}


def test_every_table_that_knows_people_is_told() -> None:
    knowing = {table.name for table in tables.metadata.sorted_tables if _OF_PEOPLE & set(table.c.keys())}
    assert knowing - _OF_EDITORS | {"subscriber"} == TOLD


@pytest.fixture
def eves(tmp_path: Path, database: Databases) -> Any:
    """A project in which every table knows Eve, and none but Ann's rows know Ann."""
    with a_project(tmp_path) as project:
        for email in ("ann@x.example", EVE):
            project.join(email)
        project.offer(article("a"), article("b"))
        project.run()
        _make_known(project)
        yield project


def _make_known(project: Project) -> None:
    with project.app() as app, app.store.writing() as connection:
        eve = find_subscriber(connection, EVE)
        assert eve is not None
        (theirs,) = subscriptions_of(connection, eve.id)
        questions.ask(connection, theirs.id, now=MONDAY)
        name = {"email": NEW, "address": NEW}
        change = (
            insert(tables.address_change).values(**name, subscriber_id=eve.id, at=MONDAY).returning(tables.address_change.c.id)
        )
        number = connection.execute(change).scalar_one()
        letter = {"language": "en", "created_at": MONDAY, "state": "sent", "not_before": MONDAY, "answer": "250 took it"}
        for kind, email in (("move from", EVE), ("move to", NEW)):
            connection.execute(insert(tables.letter).values(kind=kind, about=number, email=email, address=email, **letter))
        of = {
            "newsletter": "weekly",
            "topics": "*",
            "frequency": "weekly",
            "source": "page",
            "wording": "w",
            "wording_version": "1",
        }
        connection.execute(insert(tables.asking).values(email=EVE, address=EVE, at=MONDAY, **of))
        read = connection.execute(select(tables.article.c.id).limit(1)).scalar_one()
        connection.execute(insert(tables.had_already).values(article_id=read, subscriber_id=eve.id, actor="x", at=MONDAY))
        issue = connection.execute(select(tables.issue.c.id)).scalar_one()
        told = {"kind": "clicked", "occurred_at": MONDAY, "received_at": MONDAY, "provider": "smtp", "provider_message_id": "m"}
        connection.execute(
            insert(tables.event).values(
                issue_id=issue, subscriber_id=eve.id, attempt=1, article_id=read, reason=f"<{EVE}>", **told
            )
        )
        step = {"issue_id": issue, "subscriber_id": eve.id, "count": 1, "to_state": "accepted", "actor": "x", "at": MONDAY}
        connection.execute(insert(tables.history).values(**step, reason=f"told {EVE}"))
        suppress(connection, EVE, "other", reason="complained", source="test", now=MONDAY)
        lifted = {"scope": "weekly", "reason": "bounced", "source": "mail", "created_at": MONDAY, "actor": "x", "at": MONDAY}
        connection.execute(insert(tables.lifted_suppression).values(**lifted, subscriber_id=eve.id, why=f"{EVE} asked"))
        connection.execute(insert(tables.owed_anew).values(issue_id=issue, subscriber_id=eve.id))
        came = {
            "digest": "d",
            "received_at": MONDAY,
            "source": "pipe",
            "sort": "mail",
            "outcome": "nothing to do",
            "about": "mail",
        }
        connection.execute(insert(tables.returned_mail).values(**came, subscriber_id=eve.id, raw=f"From: {EVE}".encode()))


def test_a_person_is_told_what_every_table_knows_of_them(eves: Project) -> None:
    with eves.app() as app, app.store.reading() as connection:
        eve = find_subscriber(connection, EVE)
        assert eve is not None
        known = json.loads(orjson.dumps(known_of(connection, eve)))
    assert [name for name, value in known.items() if value in (None, [], "")] == ["name", "language", "timezone"]
    assert [one["reason"] for one in known["suppressions"]] == ["complained"]
    assert {one["email"] for one in known["letters"]} == {EVE, NEW}
    assert known["lifted_suppressions"][0]["why"] == f"{EVE} asked"
    assert (known["owed_anew"], known["mails_that_came_back"][0]["source"]) == (["weekly/1"], "pipe")
    assert known["changes_of_address"][0]["email"] == NEW
    assert [one["state"] for one in known["mails"]] == ["accepted"]
    assert known["reported_of_mails"][0]["clicked"] == known["had_already"][0]["article"]
    assert known["steps_of_mails"][-1]["issue"] == "weekly/1"
    assert "ann@x.example" not in json.dumps(known)


def test_show_tells_the_operator_the_same(eves: Project) -> None:
    shown = json.loads(eves.command("subscribers", "show", EVE, "--json").stdout)
    assert {"email", "name", "subscriptions", "consent", "deliveries", "suppressions", "letters"} <= shown.keys()
    assert [one["issue"] for one in shown["deliveries"]] == ["weekly/1"]


def test_of_who_is_erased_nothing_is_left_but_numbers_and_what_keeps_them_from_being_mailed(eves: Project) -> None:
    with eves.app() as app, app.store.reading() as connection:
        eve = find_subscriber(connection, EVE)
        assert eve is not None
    assert eves.command("subscribers", "erase", EVE).returncode == 0
    numbered = {"delivery", "history", "event", "owed_anew"}
    with eves.app() as app, app.store.reading() as connection:
        for table in tables.metadata.sorted_tables:
            rows = [dict(zip(table.c.keys(), row, strict=True)) for row in connection.execute(select(table))]
            named = [row for row in rows if EVE in str(row) or NEW in str(row)]
            assert not named, table.name
            if "subscriber_id" in table.c and table.name not in numbered:
                assert [row for row in rows if row["subscriber_id"] == eve.id] == [], table.name
        assert connection.execute(select(tables.suppression)).all() == []
        assert [row.scope for row in connection.execute(select(tables.erased_suppression))] == ["other"]

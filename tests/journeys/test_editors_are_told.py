"""Editors are told what happens to their issues, each thing once, by mail and by calls; and what becomes of what nobody approved."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from digest.app.noticing import take_notice, tell_failed, without_addresses
from digest.delivery.halting import halt
from digest.store import tables
from digest.testing.http_stub import HttpStub, Request, Respond
from tests.journeys.project import BEGAN, MONDAY, WEEK, Project, article

TOLD = "editors@backend.example"
SECRET = "a secret of some length"
MAIL = {"DIGEST_NOTICES__MAIL": "true"}


def waiting(project: Project, policy: str = "hold", ahead: str = "") -> None:
    """A newsletter whose issues somebody has to approve, two articles, and a reader."""
    project.configure('approval = "automatic"', f'approval = "required"\nunapproved = "{policy}"\n{ahead}')
    project.offer(article("a"), article("b"))
    project.join("ann@x.example")


def told(project: Project) -> list[str]:
    """The subjects of what the editors were sent, oldest first."""
    return [str(mail["Subject"]) for mail in project.mails(TOLD)]


def test_from_the_draft_to_the_account_each_thing_is_told_once(project: Project) -> None:
    waiting(project, ahead='draft_before = "2d"')
    for at in (BEGAN, MONDAY - timedelta(days=2), MONDAY - timedelta(hours=24), MONDAY - timedelta(hours=23), MONDAY, MONDAY):
        project.run(at, **MAIL)
    assert told(project) == ["weekly/1 is ready to be looked at", "weekly/1 waits for an approval", "weekly/1 is held"]
    (_, reminder, _) = project.mails(TOLD)
    part = reminder.get_body(("plain",))
    assert part is not None
    text = part.get_content()
    assert "Without an approval it is held." in " ".join(text.split())
    assert "/editor/issues/weekly/1" in text
    project.command("issues", "approve", "weekly/1", "--now", MONDAY.isoformat())
    for _ in range(2):
        project.run(MONDAY, **MAIL)
    assert told(project)[3:] == ["weekly/1 has been sent"]
    part = project.mails(TOLD)[-1].get_body(("plain",))
    assert part is not None
    assert "Of 1: 1 accepted." in part.get_content()
    assert project.read("ann@x.example") == [["b", "a"]]


@pytest.mark.rather_sqlite
def test_one_is_reminded_of_a_slot_without_a_draft_and_nobody_is_told_of_what_goes_by_itself(project: Project) -> None:
    project.run(MONDAY - timedelta(hours=3), **MAIL)
    assert told(project) == []
    waiting(project)
    project.run(MONDAY - timedelta(hours=3), **MAIL)
    assert told(project) == ["weekly has no draft yet"]


@pytest.mark.rather_sqlite
@pytest.mark.parametrize(
    ("policy", "state", "read"), [("hold", "held", []), ("skip", "skipped", []), ("send", "sent", [["b", "a"]])]
)
def test_what_nobody_approved_is_held_skipped_or_sent_as_configured(
    project: Project, policy: str, state: str, read: list[list[str]]
) -> None:
    waiting(project, policy, 'draft_before = "1d"')
    project.run(MONDAY - timedelta(hours=24))
    assert project.issue("weekly/1").state == "draft"
    ran = project.run(MONDAY)
    assert [one.issue.state for one in ran.handled] == [state]
    assert (project.issue("weekly/1").state, project.read("ann@x.example")) == (state, read)
    if policy == "skip":
        project.run(MONDAY + WEEK - timedelta(hours=24))
        project.command("issues", "approve", "weekly/2", "--now", (MONDAY + WEEK).isoformat())
        project.run(MONDAY + WEEK)
        assert project.read("ann@x.example") == [["b", "a"]]


def test_what_happens_is_posted_signed_and_tried_again(project: Project) -> None:
    waiting(project)
    answers = [500, 200, 410, 200]

    def script(request: Request) -> Respond:
        return Respond(answers.pop(0) if answers else 200)

    with HttpStub(lambda _: Respond(200), script) as stub:
        calls = {"DIGEST_NOTICES__URLS": json.dumps([f"{stub.url}/T1/x"]), "DIGEST_NOTICES__SECRET": SECRET}
        project.run(MONDAY, **calls)  # ready, and held: one is to be tried again, the other taken
        assert [request.path for request in stub.requests] == ["/T1/x"] * 2
        due(project)
        project.run(MONDAY, **calls)  # and refused for good
        assert len(stub.requests) == 3
        due(project)
        project.run(MONDAY, **calls)
        assert len(stub.requests) == 3
        first, second = stub.requests[:2]
        at = first.headers["x-digest-timestamp"]
        wanted = hmac.new(SECRET.encode(), f"{at}.".encode() + first.body, hashlib.sha256).hexdigest()
        assert first.headers["x-digest-signature"] == f"sha256={wanted}"
        assert (first.payload["kind"], second.payload["kind"]) == ("draft", "held")
        assert second.payload["text"].startswith("weekly/1 is held: it waits for an approval https://")
        with project.app(MONDAY, **calls) as app:
            with app.store.writing() as connection:
                halt(connection, "550 no such user <ann@x.example> here", "ann", MONDAY)
            assert (take_notice(app), take_notice(app)) == (1, 0)
            for _ in range(2):
                tell_failed(app, "the disk of ann@x.example is full")
        states = calls_by_state(project)
        assert states == {"told": 1, "given up": 1, "waiting": 2}
        project.run(MONDAY)  # without that address in the configuration
        assert calls_by_state(project) == {"told": 1, "given up": 1, "dropped": 2}
        assert all(b"@" not in request.body for request in stub.requests)
    row = tables.notice.c
    with project.app() as app, app.store.reading() as connection:
        assert not [words for words in connection.execute(select(row.words)).scalars() if "@" in words]


def due(project: Project) -> None:
    """What waits for its time is due."""
    with project.app() as app, app.store.writing() as connection:
        connection.execute(update(tables.notice_call).values(not_before=datetime(2020, 1, 1, tzinfo=MONDAY.tzinfo)))


def calls_by_state(project: Project) -> dict[str, int]:
    """How many calls stand where."""
    with project.app() as app, app.store.reading() as connection:
        states = connection.execute(select(tables.notice_call.c.state)).scalars().all()
    return {state: states.count(state) for state in states}


@pytest.mark.rather_sqlite
def test_a_run_that_fails_is_told_once_a_day_and_by_its_kind_where_it_is_a_defect(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("ann@x.example")

    waiting(project)
    monkeypatch.setattr("digest.app.running.go_on_after_pauses", fails)
    for _ in range(2):
        with pytest.raises(RuntimeError):
            project.run(MONDAY - timedelta(days=3), **MAIL)
    monkeypatch.undo()
    project.run(MONDAY - timedelta(days=3), **MAIL)
    assert told(project) == ["A run failed"]
    assert "RuntimeError" in project.mails(TOLD)[0].as_string()
    assert "ann@" not in project.mails(TOLD)[0].as_string()


@pytest.mark.rather_sqlite
def test_a_place_that_cannot_be_reached_keeps_no_mail_back(project: Project) -> None:
    waiting(project)
    calls = {"DIGEST_NOTICES__URLS": '["http://127.0.0.1:9/x"]', "DIGEST_NOTICES__SECRET": SECRET}
    project.command("issues", "draft", "weekly", "--now", MONDAY.isoformat())
    project.command("issues", "approve", "weekly/1", "--now", MONDAY.isoformat())
    project.run(MONDAY, **calls)
    assert (project.read("ann@x.example"), set(calls_by_state(project))) == ([["b", "a"]], {"waiting"})


def test_whatever_looks_like_an_address_is_taken_out() -> None:
    assert without_addresses("550 5.1.1 <ann@x.example>: no such user") == "550 5.1.1 <…>: no such user"
    assert "@x" not in without_addresses("to=bob@x.example; relay=none")

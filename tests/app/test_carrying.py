"""Letters: queued durably, sent once where that is known, and again where it is not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import select, update

from digest.app import App, agreeing
from digest.app.carrying import Carrier, send_letters
from digest.audience.finding import subscription_of
from digest.audience.suppression import EVERYTHING, suppress
from digest.audience.tokens import Purpose, make_token
from digest.delivery import letters
from digest.delivery.halting import halt, lift
from digest.delivery.letters import claim, wait_after
from digest.store import tables
from digest.testing.smtp_sink import Now, React, Script
from tests.databases import Databases, eventually
from tests.journeys.project import MONDAY, Project, a_project

BOB = "bob@x.example"


@pytest.fixture(autouse=True)
def _on_both(database: Databases) -> None:
    """Both kinds of database."""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with a_project(tmp_path) as made:
        made.join(BOB)
        yield made


def ask(app: App) -> None:
    """Bob asks to be erased, which causes a letter."""
    with app.store.reading() as connection:
        subscription = subscription_of(connection, BOB, "weekly")[1]
    agreeing.ask_to_erase(app, make_token(app.key, Purpose.PREFERENCES, subscription.id), None)


def state(app: App) -> list[tuple[str, int]]:
    with app.store.reading() as connection:
        row = tables.letter.c
        return [(one.state, one.attempts) for one in connection.execute(select(row.state, row.attempts).order_by(row.id))]


def at_once(app: App) -> None:
    """No waiting."""
    with app.store.writing() as connection:
        connection.execute(update(tables.letter).values(not_before=datetime(2026, 1, 1, tzinfo=UTC)))


def test_a_letter_is_sent_once_however_often_it_is_tried(project: Project) -> None:
    with project.app() as app:
        ask(app)
        assert [send_letters(app) for _ in range(3)] == [1, 0, 0]
        assert state(app) == [("sent", 1)]
    (mail,) = project.mails(BOB)
    assert mail["To"] == BOB
    assert mail["From"] == "Backend Weekly <weekly@news.backend.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["List-Unsubscribe"].startswith("<https://news.backend.example/unsubscribe/")
    html = mail.get_body(("html",))
    assert html is not None
    assert "12 Harbour Street" in html.get_content()


def test_a_run_sends_them_too_and_a_dry_run_does_not(project: Project) -> None:
    with project.app() as app:
        ask(app)
    assert project.command("run", "--dry-run", "--now", MONDAY.isoformat()).returncode == 0
    assert project.mails(BOB) == []
    assert project.run(MONDAY).letters == 1
    assert len(project.mails(BOB)) == 1


@pytest.mark.parametrize(
    ("verb", "reply", "after"),
    [
        ("RCPT", "550 5.1.1 no such user", "rejected"),
        ("RCPT", "450 4.2.0 later", "waiting"),
        ("dot", "451 4.3.0 later", "waiting"),
        ("MAIL", "530 5.7.0 no", "waiting"),
    ],
)
def test_what_the_server_refuses_is_over_or_tried_later(tmp_path: Path, verb: str, reply: str, after: str) -> None:
    def script(now: Now) -> React | None:
        return React(reply) if now.moment == verb else None

    with a_project(tmp_path, script) as project:
        project.join(BOB)
        with project.app() as app:
            ask(app)
            assert send_letters(app) == 0
            assert state(app) == [(after, 1)]
            assert send_letters(app) == 0  # not before its time
            assert state(app) == [(after, 1)]


def test_a_doubtful_letter_is_sent_again_with_the_same_id_until_it_is_given_up(tmp_path: Path) -> None:
    from digest.testing.smtp_sink import CLOSE

    script: Script = lambda now: CLOSE if now.moment == "dot" else None  # noqa: E731
    with a_project(tmp_path, script) as project:
        project.join(BOB)
        with project.app() as app:
            ask(app)
            for attempts in (1, 2, 3):
                assert send_letters(app) == 0
                assert state(app) == [("waiting", attempts)]
                at_once(app)
            late = replace(app, now=MONDAY + letters.TRIED_FOR - timedelta(minutes=1))
            send_letters(late)
            at_once(app)
            send_letters(replace(app, now=MONDAY + letters.TRIED_FOR))
            assert state(app)[0][0] in {"given up", "dropped"}


def test_a_suppressed_address_gets_no_letter(project: Project) -> None:
    with project.app() as app:
        ask(app)
        with app.store.writing() as connection:
            suppress(connection, BOB, EVERYTHING, reason="bounced", source="test", now=MONDAY)
        assert send_letters(app) == 0
        assert state(app) == [("dropped", 1)]
    assert project.mails(BOB) == []


def test_while_sending_is_halted_letters_wait(project: Project) -> None:
    with project.app() as app:
        ask(app)
        with app.store.writing() as connection:
            halt(connection, "a test", "test", MONDAY)
        assert send_letters(app) == 0
        assert state(app) == [("waiting", 0)]
        with app.store.writing() as connection:
            lift(connection, "test", MONDAY)
        assert send_letters(app) == 1


def test_with_the_dry_run_provider_letters_land_in_the_outbox(project: Project) -> None:
    with project.app(MONDAY, DIGEST_DELIVERY__PROVIDER="dry-run") as app:
        ask(app)
        assert send_letters(app) == 1
    (file,) = (project.folder / "outbox" / "letters").glob("*-erase-*.eml")
    assert b"To: bob@x.example" in file.read_bytes()
    assert project.sink.arrived == []


def test_two_never_take_the_same_letter_and_one_that_died_leaves_it_to_the_next(project: Project) -> None:
    now = datetime(2026, 11, 27, tzinfo=UTC)
    with project.app() as app:
        ask(app)
        at_once(app)
        with app.store.writing() as connection:
            assert len(claim(connection, real=now, lease=timedelta(minutes=5))) == 1
            assert claim(connection, real=now + timedelta(minutes=4), lease=timedelta(minutes=5)) == []
            assert len(claim(connection, real=now + timedelta(minutes=5), lease=timedelta(minutes=5))) == 1


def test_old_letters_are_forgotten(project: Project) -> None:
    with project.app() as app:
        ask(app)
        send_letters(app)
        send_letters(replace(app, now=MONDAY + letters.KEPT_FOR + timedelta(seconds=1)))
        assert state(app) == []


def test_the_carrier_sends_what_comes_and_ends_when_told(project: Project) -> None:
    stop = Event()
    with project.app() as app:
        carrier = Carrier(lambda: app, stop)
        carrier.start()
        ask(app)
        carrier.wake()
        eventually(lambda: len(project.mails(BOB)) == 1)
        stop.set()
        carrier.join(10)


def test_waits_grow_and_are_bounded() -> None:
    waits = [wait_after(attempts) for attempts in range(1, 50)]
    assert waits[0] == timedelta(seconds=30)
    assert waits == sorted(waits)
    assert waits[-1] == timedelta(hours=1)

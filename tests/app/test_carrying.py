"""Letters: queued durably, sent once where that is known, and again where it is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import Connection, select, update

from digest.app import App, agreeing, carrying
from digest.app.carrying import carrier, send_letters
from digest.app.composing import Composed, compose
from digest.audience.finding import subscription_of
from digest.audience.suppression import EVERYTHING, suppress
from digest.audience.tokens import Purpose, make_token
from digest.delivery import letters
from digest.delivery.halting import halt, lift
from digest.delivery.letters import Letter, claim, wait_after
from digest.store import tables
from digest.testing.smtp_sink import CLOSE, Now, React, Script
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


def ask(app: App, email: str = BOB) -> None:
    """Somebody asks to be erased, which causes a letter."""
    with app.store.reading() as connection:
        subscription = subscription_of(connection, email, "weekly")[1]
    agreeing.ask_to_erase(app, make_token(app.key, Purpose.PREFERENCES, subscription.id))


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


def test_a_doubtful_letter_is_sent_once_more_an_hour_later_and_then_given_up(tmp_path: Path) -> None:
    script: Script = lambda now: CLOSE if now.moment == "dot" else None  # noqa: E731
    with a_project(tmp_path, script) as project:
        project.join(BOB)
        with project.app() as app:
            ask(app)
            began = datetime.now(UTC)
            assert send_letters(app) == 0
            assert state(app) == [("waiting", 1)]
            with app.store.reading() as connection:
                assert connection.execute(select(tables.letter.c.not_before)).scalar_one() >= began + timedelta(hours=1)
            at_once(app)
            assert send_letters(app) == 0
            assert state(app) == [("given up", 2)]


def test_a_letter_that_waited_for_two_days_is_given_up_and_not_sent_with_a_dead_link(project: Project) -> None:
    with project.app() as app:
        ask(app)
        assert send_letters(replace(app, now=MONDAY + letters.TRIED_FOR)) == 0
        assert state(app) == [("given up", 0)]
    assert project.mails(BOB) == []


def test_a_letter_that_cannot_be_written_stops_only_itself(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.join("ann@x.example")

    def breaking(app: App, connection: Connection, letter: Letter) -> Composed | None:
        if letter.email == BOB:
            raise KeyError("a word that a catalogue made up")
        return compose(app, connection, letter)

    monkeypatch.setattr(carrying, compose.__name__, breaking)
    with project.app() as app:
        ask(app)
        ask(app, "ann@x.example")
        assert send_letters(app) == 1
        assert state(app) == [("waiting", 1), ("sent", 1)]


@pytest.mark.parametrize("end", [True, False])
def test_what_was_taken_when_it_ends_or_is_halted_is_left_to_the_next(tmp_path: Path, end: bool) -> None:
    at_dot: list[Callable[[], None]] = []

    def script(now: Now) -> React | None:
        if now.moment == "dot":
            for act in at_dot:
                act()
        return None

    with a_project(tmp_path, script) as project:
        for one in (BOB, "ann@x.example"):
            project.join(one)
        with project.app() as app:
            ask(app)
            ask(app, "ann@x.example")

            def stop_all() -> None:
                with app.store.writing() as connection:
                    halt(connection, "a test", "test", MONDAY)

            at_dot.append(app.stop.set if end else stop_all)
            assert send_letters(app) == 1
            assert state(app) == [("sent", 1), ("waiting", 0)]
            at_dot.clear()
            app.stop.clear()
            with app.store.writing() as connection:
                lift(connection, "test", MONDAY)
            assert send_letters(app) == 1


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
            assert claim(connection, real=now, lease=timedelta(minutes=5)) is not None
            assert claim(connection, real=now + timedelta(minutes=4), lease=timedelta(minutes=5)) is None
            assert claim(connection, real=now + timedelta(minutes=5), lease=timedelta(minutes=5)) is not None


def test_who_dies_holds_up_no_letter_but_the_one_in_its_hands(tmp_path: Path) -> None:
    seen: list[list[bool]] = []
    apps: list[App] = []

    def script(now: Now) -> React | None:
        if now.moment == "dot":
            with apps[0].store.reading() as connection:
                waits = connection.execute(select(tables.letter.c.not_before).order_by(tables.letter.c.id)).scalars()
                seen.append([until > datetime.now(UTC) for until in waits])
        return None

    with a_project(tmp_path, script) as project:
        for one in (BOB, "ann@x.example"):
            project.join(one)
        with project.app() as app:
            apps.append(app)
            ask(app)
            ask(app, "ann@x.example")
            assert send_letters(app) == 2
    assert seen[0] == [True, False]


@pytest.mark.parametrize("halted", [False, True])
def test_old_letters_are_forgotten_in_a_halt_too(project: Project, halted: bool) -> None:
    with project.app() as app:
        ask(app)
        send_letters(app)
        with app.store.writing() as connection:
            if halted:
                halt(connection, "something is wrong", "test", MONDAY)
    project.run(MONDAY + letters.KEPT_FOR + timedelta(seconds=1))
    with project.app() as app:
        assert state(app) == []


def test_the_carrier_forgets_what_is_old_while_nothing_waits_to_be_sent(project: Project) -> None:
    stop = Event()
    with project.app() as app:
        ask(app)
        with app.store.writing() as connection:
            connection.execute(update(tables.letter).values(state="sent", answer=None))
        thread = carrier(lambda: replace(app, now=MONDAY + letters.KEPT_FOR + timedelta(seconds=1)), stop)
        thread.start()
        eventually(lambda: state(app) == [])
        stop.set()
        thread.join(30)


def test_the_carrier_outlives_what_goes_wrong_sends_what_comes_and_ends_when_told(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carrying, "_EVERY", 0.01)
    stop = Event()
    with project.app() as app:
        broken = [KeyError("a defect")]

        def make() -> App:
            if broken:
                raise broken.pop()
            return app

        thread = carrier(make, stop)
        thread.start()
        eventually(lambda: broken == [])
        ask(app)
        thread.wake()
        eventually(lambda: len(project.mails(BOB)) == 1)
        stop.set()
        thread.join(10)


def test_waits_grow_and_are_bounded() -> None:
    waits = [wait_after(attempts) for attempts in range(1, 50)]
    assert waits[0] == timedelta(seconds=30)
    assert waits == sorted(waits)
    assert waits[-1] == timedelta(hours=1)

"""Canaries: a whole life with a value of its own for every secret and for fifty people, over SMTP and over an API, with failures and
tracebacks. None of them is in a log line, a metric, or a page that tells of an error."""

from __future__ import annotations

import io
import json
import logging
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from digest.app.carrying import send_letters
from digest.app.log_lines import _tell_defect_of_a_thread, write_log_lines
from digest.app.running import run
from digest.app.wiring import App
from digest.errors import DigestError
from digest.logs import logger
from digest.store.database import Store
from digest.testing.http_stub import Request, Respond
from digest.testing.sendgrid_stub import SendGridStub
from digest.testing.smtp_sink import Now, React
from digest.web.application import make_application
from tests.journeys.project import MONDAY, Project, a_project, article

pytestmark = pytest.mark.rather_sqlite

PEOPLE = [f"canary{number}@reader{number}.example" for number in range(50)]
SECRETS = {
    name: f"canary-{number}-of-secrets-long-enough-for-anything"
    for number, name in enumerate(
        (
            "DIGEST_SECRET_KEY",
            "DIGEST_METRICS__TOKEN",
            "DIGEST_PROVIDERS__SMTP__PASSWORD",
            "DIGEST_PROVIDERS__SENDGRID__API_KEY",
            "DIGEST_PROVIDERS__MAILGUN__WEBHOOK_KEY",
            "DIGEST_PROVIDERS__SES__ACCESS_KEY_ID",
            "DIGEST_PROVIDERS__SES__SECRET_ACCESS_KEY",
            "DIGEST_PROVIDERS__SES__SESSION_TOKEN",
            "DIGEST_PROVIDERS__POSTMARK__SERVER_TOKEN",
            "DIGEST_PROVIDERS__RESEND__API_KEY",
            "DIGEST_PROVIDERS__MAILGUN__API_KEY",
            "DIGEST_BOUNCES__PASSWORD",
        )
    )
}
FORMER = "canary-former-secret-of-this-project-0123456789"
_CANARY = re.compile(r"canary")


@contextmanager
def listening(app: App) -> Iterator[io.StringIO]:
    """Everything that is logged meanwhile, at every level, written as it would be."""
    said = io.StringIO()
    before = [*logging.getLogger().handlers], logging.getLogger("digest").level
    with redirect_stderr(said):
        write_log_lines(app.settings)
        try:
            yield said
        finally:
            logging.getLogger().handlers[:] = before[0]
            logging.getLogger("digest").setLevel(before[1])


def environment(**more: str) -> dict[str, str]:
    return {
        **SECRETS,
        "DIGEST_FORMER_SECRET_KEYS": json.dumps([FORMER]),
        "DIGEST_LOGGING__LEVEL": "debug",
        "DIGEST_LOGGING__FORMAT": "json",
        **more,
    }


def nothing_stands_in(text: str) -> None:
    found = _CANARY.search(text)
    assert found is None, text[max(0, found.start() - 100) : found.end() + 100]


def lived(project: Project, app: App) -> str:
    """A run, letters, pages with faults, metrics; and lines that libraries and defects might write. Returns all that was shown."""
    shown = []
    with listening(app) as said:
        run(app, None, lambda _: None)
        send_letters(app)
        client = TestClient(
            make_application(app.settings, app.store, lambda: app.now), base_url="http://127.0.0.1", raise_server_exceptions=False
        )
        faults = [client.get(path) for path in (f"/archive/{PEOPLE[1]}/1", f"/{PEOPLE[3]}", "/confirm/canary-token")]
        with pytest.MonkeyPatch.context() as patch:

            def fail(_: Store) -> Any:
                raise RuntimeError(f"a defect that quotes {PEOPLE[4]} and {SECRETS['DIGEST_SECRET_KEY']}")

            patch.setattr("digest.store.database.Store.reading", fail)
            faults += [
                client.get("/archive"),
                client.get("/readyz"),
                client.post("/api/v1/subscribe", json={"email": PEOPLE[12]}),
            ]
            try:
                app.store.reading()
            except RuntimeError as error:
                logging.getLogger("uvicorn.error").error("Exception in ASGI application\n", exc_info=error)
        assert {one.status_code // 100 for one in faults} >= {4, 5}
        shown += [one.text for one in faults if one.status_code != 200]
        told = client.get("/metrics", headers={"Authorization": f"Bearer {SECRETS['DIGEST_METRICS__TOKEN']}"})
        assert told.status_code == 200
        shown.append(told.text)
        _say_what_should_not_be_said(app)
    lines = said.getvalue()
    for line in lines.splitlines():
        assert {"timestamp", "level", "logger", "action", "event"} <= json.loads(line).keys(), line
    return lines + "\n".join(shown)


def _say_what_should_not_be_said(app: App) -> None:
    log, library = logger("digest.letters"), logging.getLogger("botocore.endpoint")
    password = SECRETS["DIGEST_BOUNCES__PASSWORD"]
    try:
        try:
            raise ValueError(f"{PEOPLE[5]} with {password}")
        except ValueError as error:
            raise DigestError(f"the relay said: 550 <{PEOPLE[6]}> no") from error
    except DigestError as error:
        log.exception("a letter to %s waits: %s", PEOPLE[7], error, action="test", person=PEOPLE[8], people=PEOPLE[9:12])
        library.exception("Authorization: Bearer %s", SECRETS["DIGEST_PROVIDERS__SENDGRID__API_KEY"])
    log.info("raw %s", f"to={PEOPLE[13]}\nSubject: x\x1b[31m".encode(), action="test", nested={PEOPLE[14]: [password]})
    library.warning("GET /preferences/canary-token-of-a-link-0123 %s", app.settings.providers.smtp)


def people(project: Project) -> None:
    for one in PEOPLE:
        project.join(one)
    project.offer(article("a"))


def over_smtp(folder: Path, then: Callable[[Project], str]) -> str:
    def script(now: Now) -> React | None:
        number = re.search(r"canary(\d+)@", now.line)
        if now.moment == "RCPT" and number is not None and int(number[1]) % 5 == 0:
            return React(f"550 5.1.1 <canary{number[1]}@reader{number[1]}.example> unknown here")
        if now.moment == "RCPT" and number is not None and int(number[1]) % 7 == 0:
            return React(f"451 4.2.0 canary{number[1]}@reader{number[1]}.example try later")
        return None

    with a_project(folder, script) as project:
        project.environment |= environment()
        del project.environment["DIGEST_PROVIDERS__SMTP__PASSWORD"]  # the witness wants nobody to log in
        people(project)
        return then(project)


def over_an_api(folder: Path, then: Callable[[Project], str]) -> str:
    def script(request: Request) -> Respond | None:
        if request.number % 3 == 0:
            return Respond(500, f"no: {request.recipients} {request.headers}".encode())
        return Respond(400, f'{{"errors": [{{"message": "{PEOPLE[1]} is odd"}}]}}'.encode()) if request.number % 3 == 1 else None

    with SendGridStub(script, api_key=SECRETS["DIGEST_PROVIDERS__SENDGRID__API_KEY"]) as stub, a_project(folder) as project:
        project.environment |= environment(
            DIGEST_DELIVERY__PROVIDER="sendgrid", DIGEST_PROVIDERS__SENDGRID__HOST=stub.url, DIGEST_DELIVERY__BATCH="5"
        )
        people(project)
        said = then(project)
        assert stub.requests
        return said


@pytest.mark.parametrize("over", [over_smtp, over_an_api])
def test_no_canary_is_seen(
    tmp_path: Path, over: Callable[[Path, Callable[[Project], str]], str], capfd: pytest.CaptureFixture[str]
) -> None:
    def life(project: Project) -> str:
        with project.app(MONDAY) as app:
            return lived(project, app)

    shown = over(tmp_path, life)
    nothing_stands_in(shown)
    assert "person:" in shown  # they were there, by their hashes
    assert "********" in shown
    out, err = capfd.readouterr()
    nothing_stands_in(out + err)


def test_one_person_has_one_hash_and_another_project_has_another(tmp_path: Path) -> None:
    def hashes(secret: str, folder: Path) -> list[str]:
        folder.mkdir()
        with a_project(folder) as project, project.app(MONDAY, DIGEST_SECRET_KEY=secret) as app, listening(app) as said:
            logging.getLogger("digest.x").error("to Ann@x.example, and <ann@X.example>.")
        return re.findall(r"person:[0-9a-f]{12}", said.getvalue())

    first, second = hashes("a" * 40, tmp_path / "a"), hashes("b" * 40, tmp_path / "b")
    assert len(set(first)) == len(set(second)) == 1
    assert len(first) == 2
    assert first != second


def test_for_people_a_line_is_words_and_what_they_are_about(tmp_path: Path) -> None:
    with a_project(tmp_path) as project, project.app(MONDAY) as app, listening(app) as said:
        logger("digest.letters").warning("a letter waits: %s", "no answer", action="letter_waits", letter=7)
        logging.getLogger("digest.old").info("plain\nwords")
        logging.getLogger("somebody.else").info("never written")
    first, second = said.getvalue().splitlines()
    assert first.endswith("warning digest.letters: a letter waits: no answer [action=letter_waits letter=7]")
    assert second.endswith("digest.old: plain words [action=old]")


def test_a_thread_that_ends_itself_says_nothing_and_a_defect_in_one_is_a_line(project: Project) -> None:
    with project.app() as app, listening(app) as said:
        for error in (SystemExit(1), ValueError(PEOPLE[0])):
            _tell_defect_of_a_thread(threading.ExceptHookArgs((type(error), error, None, None)))
    (line,) = said.getvalue().splitlines()
    assert "ValueError" in line
    nothing_stands_in(line)

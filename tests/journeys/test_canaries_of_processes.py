"""Canaries in real processes: `digest serve` with its scheduler, and `digest run`, while everybody else fails and repeats what they hear.

No secret and nobody's address is in a log line, a metric, a page of an error, a span or a report of an error.
"""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import update

from digest.app.signing_in import make_link
from digest.audience.finding import subscription_of
from digest.audience.people import subscribe
from digest.audience.tokens import Purpose, make_token
from digest.settings.reading import read_settings
from digest.store import tables
from digest.testing.http_stub import Request, Respond
from digest.testing.sendgrid_stub import SendGridStub
from tests.databases import eventually
from tests.journeys.canaries import PEOPLE, nothing_stands_in, plant, without_canary
from tests.journeys.collector import Collector, collecting, traces_to
from tests.journeys.project import BEGAN, MONDAY, Project, a_project, article
from tests.journeys.serving import Answer, Served

pytestmark = pytest.mark.sqlite

VIEWER = "viewer@desk.example"  # whoever is signed in is told as whom, on every page of the desk
HOOKS = ("sendgrid", "ses", "postmark", "resend", "mailgun")


def echoing(request: Request) -> Respond | None:
    """A provider that fails two of three, and says with what."""
    if request.number % 3 == 2:
        return None
    return Respond(500 if request.number % 3 else 400, f"no: {request.recipients} {request.headers} {request.body!r}".encode())


@contextmanager
def a_planted_project(folder: Path, collector: Collector) -> Iterator[tuple[Project, SendGridStub]]:
    """Every secret is a canary, and so is everybody."""
    secrets = plant(f"http://127.0.0.1:{collector.server_port}")
    stub = SendGridStub(echoing, api_key=secrets["DIGEST_PROVIDERS__SENDGRID__API_KEY"])
    with stub, a_project(folder) as project:
        project.environment |= secrets | traces_to(collector)
        project.environment |= {
            "DIGEST_DELIVERY__PROVIDER": "sendgrid",
            "DIGEST_DELIVERY__BATCH": "5",
            "DIGEST_PROVIDERS__SENDGRID__HOST": stub.url,
            "DIGEST_LOGGING__LEVEL": "debug",
            "DIGEST_EDITORS__VIEWERS": f'["{VIEWER}"]',
            "DIGEST_EDITORS__OIDC__ISSUER": f"http://127.0.0.1:{collector.server_port}",
            "DIGEST_EDITORS__OIDC__CLIENT_ID": "digest",
        }
        project.configure(
            "[delivery]",
            f'[[sources]]\nname = "ghost"\nkind = "ghost"\nurl = "http://127.0.0.1:{collector.server_port}"\nallow_private = true\n\n'
            "[notices]\nallow_private = true\n\n[delivery]",
        )
        with project.app() as app, app.store.writing() as connection:
            for one in PEOPLE:
                subscribe(connection, app.settings.newsletters[0], one, topics="", frequency=None, confirmed=True, now=BEGAN)
        project.offer(article("a"))
        yield project, stub


@contextmanager
def serving(project: Project, said: list[str], **environment: str) -> Iterator[Served]:
    """`digest serve`, every line of which is kept from its first to its last."""
    project.environment |= environment
    process = project.process("serve", "--port", "0", "--now", MONDAY.isoformat())
    assert process.stdout is not None
    first = process.stdout.readline()
    readers = [threading.Thread(target=_keep, args=(pipe, said)) for pipe in (process.stdout, process.stderr)]
    for reader in readers:
        reader.start()
    try:
        assert first.startswith("serving on "), first
        yield Served(process, int(first.rpartition(":")[2]))
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        finally:
            for reader in readers:
                reader.join(10)
            process.stdout.close()
            assert process.stderr is not None
            process.stderr.close()


def _keep(pipe: object, said: list[str]) -> None:
    assert hasattr(pipe, "__iter__")
    said.extend(pipe)


def errors_of(pages: Served, project: Project) -> list[Answer]:
    """Every kind of page that says that something is wrong, asked for with somebody's address, a token or a secret."""
    with project.app(MONDAY) as app:
        with app.store.reading() as connection:
            kept, gone = (
                make_token(app.key, purpose, subscription_of(connection, PEOPLE[number], "weekly")[1].id)
                for number, purpose in ((41, Purpose.PREFERENCES), (42, Purpose.UNSUBSCRIBE))
            )
        link = make_link(app, VIEWER, "test").partition("/editor")[2]
        with app.store.writing() as connection:
            connection.execute(update(tables.issue_content).values(content={"canary": PEOPLE[43]}))
    assert pages.ask("POST", f"/unsubscribe/{gone}", {"List-Unsubscribe": "One-Click"}).status == 200
    assert pages.ask("GET", f"/preferences/{kept}").status == 200
    there = {"Origin": "http://127.0.0.1", "Sec-Fetch-Site": "same-origin", "Host": "127.0.0.1"}
    entered = pages.ask("POST", f"/editor{link}", {}, there)
    assert entered.status == 303, entered
    cookie = {"Cookie": entered.headers["set-cookie"].partition(";")[0]}
    return [
        pages.ask("GET", f"/{PEOPLE[1]}"),
        pages.ask("GET", f"/confirm/canary-token-{PEOPLE[2]}"),
        pages.ask("POST", f"/preferences/{kept}x", {"email": PEOPLE[3]}),
        pages.ask("POST", f"/preferences/{kept}", {"topic": "python", "frequency": PEOPLE[44]}),
        pages.ask("GET", "/archive/weekly/1"),
        pages.ask("POST", f"/editor/issues/weekly/1/approve?canary={PEOPLE[4]}", {"token": "canary-token"}, there | cookie),
        pages.ask(
            "POST", "/editor/issues/weekly/1/approve", {"token": "canary-token"}, {"Sec-Fetch-Site": "cross-site"} | cookie
        ),
        pages.ask("GET", f"/editor/subscribers/{PEOPLE[4]}", None, there | cookie),
        pages.ask("GET", f"/api/v1/issues/{PEOPLE[5]}", None, {"Authorization": "Bearer canary-token"}),
        posted(pages, "/api/v1/subscriptions", {"newsletter": "weekly", "email": [PEOPLE[6]], "topics": "canary"}),
        pages.ask("GET", "/editor/issues/weekly/1", None, there | cookie),
        *(pages.ask("POST", f"/webhooks/{name}", {"email": PEOPLE[7], "signature": "canary"}) for name in HOOKS),
        pages.ask("GET", "/metrics", None, {"Authorization": "Bearer canary-token", "X-Forwarded-For": "1.2.3.4"}),
        pages.ask("GET", "/", None, {"Host": "canary.example"}),
    ]


def posted(pages: Served, path: str, what: dict[str, object]) -> Answer:
    """The answer to JSON."""
    with closing(http.client.HTTPConnection("127.0.0.1", pages.port, timeout=30)) as connection:
        connection.request("POST", path, json.dumps(what), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return Answer(answer.status, dict(answer.getheaders()), answer.read().decode())


@pytest.mark.proof  # two processes live; `make proofs` runs it
@pytest.mark.parametrize("form", ["json", "console"])
def test_no_canary_is_seen_of_a_served_project(tmp_path: Path, form: str) -> None:
    said: list[str] = []
    with collecting() as collector, a_planted_project(tmp_path, collector) as (project, stub):
        with serving(project, said, DIGEST_LOGGING__FORMAT=form) as pages:
            token = {"Authorization": f"Bearer {project.environment['DIGEST_METRICS__TOKEN']}"}
            eventually(lambda: any("audience 50" in line for line in said))
            assert len(stub.requests) >= 3
            errors = errors_of(pages, project)
            metrics = pages.ask("GET", "/metrics", None, token)
        ran = project.process("run", "--now", MONDAY.isoformat())
        said += ran.communicate(timeout=30)
    assert {403, 404, 422, 500} <= {one.status for one in errors}
    assert metrics.status == 200
    for text in (*(one.text for one in errors if one.status >= 400), metrics.text, "".join(said)):
        nothing_stands_in(text)
    for one in collector.bodies:
        assert b"canary" not in one
    assert {"request", "run", "fetch", "send"} <= {one.name for one in collector.spans}
    assert collector.events, "no report of an error came"
    nothing_stands_in(str(collector.events))
    assert ran.returncode == 1  # what was spoilt ends it, and is told by its kind
    assert "ValidationError" in said[-1]


def test_every_secret_there_is_has_a_canary(tmp_path: Path) -> None:
    with collecting() as collector, a_planted_project(tmp_path, collector) as (project, _):
        settings = read_settings(project.folder / "config" / "digest.toml", project.environment)
    assert list(without_canary(settings)) == []

"""nginx and Caddy in front of `digest serve`, each as its recipe has it: pages, one click, events of the desk, and no token in a log."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.config.fronts import HOST, Front, free_ports, in_front
from tests.journeys.project import MONDAY, WEEK, Project, a_project, article
from tests.journeys.serving import Served, served

AT = MONDAY + WEEK
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
ONE_CLICK = "List-Unsubscribe=One-Click"
SECRET = "q8Zr-a-token-that-nobody-may-read_3Kx"
LEADS_TO_A_PERSON = (
    *(f"/{page}/{SECRET}" for page in ("confirm", "unsubscribe", "preferences", "move", "stay", "erase", "download")),
    f"/unsubscribe/{SECRET}/python",
    f"/Unsubscribe/{SECRET}",
    f"//unsubscribe//{SECRET}",
    f"/%75nsubscribe/{SECRET}",
    f"/editor/sign-in/{SECRET}",
    f"/editor/openid/back?code={SECRET}&state={SECRET}",
    f"/archive?email={SECRET}",
    f"/no-such-page/{SECRET}",
)


@dataclass(frozen=True, slots=True)
class Scene:
    """A mail that went out, an issue that is being sent, and an editor who is signed in."""

    project: Project
    served: Served
    mail: EmailMessage
    cookie: str


@dataclass(frozen=True, slots=True)
class Came:
    """What came back through it."""

    status: int
    headers: dict[str, str]
    text: str


def ask(front: Front, method: str, path: str, body: str | None = None, **headers: str) -> Came:
    connection = front.connect()
    try:
        kind = {} if body is None else FORM
        connection.request(method, path, body, {"Host": HOST, **kind, **headers})
        answer = connection.getresponse()
        return Came(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read().decode())
    finally:
        connection.close()


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with a_project(tmp_path_factory.mktemp("project")) as project:
        project.join("ann@x.example")
        project.offer(article("a"))
        project.run(MONDAY)
        project.offer(article("a"), article("b", at=MONDAY))
        project.plan(AT)
        link = project.command("editor", "link", "editors@backend.example", "--now", AT.isoformat()).stdout
        with served(project, "--now", AT.isoformat()) as pages:
            (address,) = re.findall(rf"https://{re.escape(HOST)}\S+", link)
            came_in = pages.ask("POST", address, {}, {"Origin": f"https://{HOST}", "Via": "a proxy"})
            assert came_in.status == 303, came_in.text
            yield Scene(project, pages, project.mails("ann@x.example")[0], came_in.headers["set-cookie"].partition(";")[0])


@pytest.fixture(scope="module", params=["nginx", "caddy"])
def front(request: pytest.FixtureRequest, scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    with in_front(request.param, tmp_path_factory.mktemp(request.param), scene.served.port) as made:
        yield made


def test_pages_pass_with_what_digest_says_of_them(front: Front) -> None:
    assert ask(front, "GET", "/subscribe").headers["cache-control"] == "no-store"
    archive = ask(front, "GET", "/archive/weekly/1")
    assert (archive.status, archive.headers["cache-control"]) == (200, "public, max-age=300")
    assert ask(front, "GET", "/archive/weekly/1", **{"If-None-Match": archive.headers["etag"]}).status == 304
    style = re.findall(r'href="(/static/[^"]+\.css)"', ask(front, "GET", "/subscribe").text)[0]
    assert ask(front, "GET", style).headers["cache-control"] == "public, max-age=31536000, immutable"
    zipped = {path: ask(front, "HEAD", path, **{"Accept-Encoding": "gzip"}).headers for path in ("/subscribe", "/editor/sign-in")}
    assert not any("content-encoding" in headers for headers in zipped.values())


def test_one_click_passes_whatever_it_carries(front: Front, scene: Scene) -> None:
    (address,) = re.findall(r"<(https:[^>]+)>", scene.mail["List-Unsubscribe"])
    for body in (ONE_CLICK, "x" * 200_000, ""):
        answer = ask(front, "POST", urlsplit(address).path, body)
        assert (answer.status, answer.text) == (200, "You are unsubscribed.\n")
        assert not {"set-cookie", "location"} & set(answer.headers)


def test_reports_of_providers_pass_up_to_four_megabytes(front: Front) -> None:
    assert ask(front, "POST", "/webhooks/sendgrid", "x" * 3_900_000).status == 403  # Digest's own answer: no key is configured


def test_measures_are_not_for_who_comes_from_elsewhere(front: Front) -> None:
    assert ask(front, "GET", "/metrics").status == 404
    assert ask(front, "GET", "/healthz").status == 200


def test_the_desk_is_told_at_once_how_an_issue_goes_out(front: Front, scene: Scene) -> None:
    connection = front.connect()
    connection.request("GET", "/editor/issues/weekly/2/progress", headers={"Host": HOST, "Cookie": scene.cookie})
    answer = connection.getresponse()
    assert (answer.status, answer.headers["content-type"].partition(";")[0]) == (200, "text/event-stream")
    assert answer.readline().startswith(b"retry:")
    assert answer.readline() == b"\n"
    assert b'"state": "sending"' in answer.readline()  # while the answer goes on
    connection.close()


def test_no_token_stands_in_a_log(front: Front) -> None:
    for path in LEADS_TO_A_PERSON:
        for method in ("GET", "POST"):
            ask(front, method, path, Referer=f"https://{HOST}/preferences/{SECRET}", Cookie=f"{SECRET}={SECRET}")
    ask(front, "GET", "/archive/weekly/1")
    logged = front.logged()
    assert "/unsubscribe" in logged
    assert SECRET not in logged


class Mirror(BaseHTTPRequestHandler):
    """Answers with the headers that it was asked with."""

    def do_GET(self) -> None:
        """Whatever the path."""
        body = json.dumps(dict(self.headers)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the port's name
        """Nothing."""


@pytest.mark.parametrize("kind", ["nginx", "caddy"])
def test_what_a_browser_claims_of_itself_is_written_anew(kind: str, tmp_path: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Mirror) as mirror:
        threading.Thread(target=mirror.serve_forever, daemon=True).start()
        with in_front(kind, tmp_path, mirror.server_port) as front:
            claimed = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "gopher"}
            seen = json.loads(ask(front, "GET", "/", **claimed).text)
        mirror.shutdown()
    assert (seen["Host"], seen["X-Forwarded-For"]) == (HOST, "127.0.0.1")
    assert seen["X-Forwarded-Proto"] == ("https" if kind == "nginx" else "http")  # as the test asked


@pytest.mark.parametrize("kind", ["nginx", "caddy"])
def test_no_token_stands_in_a_log_while_digest_is_away(kind: str, tmp_path: Path) -> None:
    with in_front(kind, tmp_path, *free_ports(1)) as front:
        answers = [ask(front, method, f"/unsubscribe/{SECRET}").status for method in ("GET", "POST")]
        assert answers == [502, 502]
        assert "502" in front.logged()
        assert SECRET not in front.logged()

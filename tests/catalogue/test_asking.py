"""Asking whether an address answers."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy import Connection, create_engine

from digest.catalogue.answered import Answer
from digest.catalogue.asking import Asker, ask_all, believed, keep
from digest.store import tables
from tests.databases import Databases

asked: list[tuple[str, str]] = []


class Handler(BaseHTTPRequestHandler):
    """Knows HEAD, but for one page; `/endless` never ends what it sends."""

    def do_HEAD(self) -> None:
        asked.append(("HEAD", self.path))
        status = {"/gone": 404, "/only-get": 405, "/moved": 301}.get(self.path, 200)
        self.send_response(status)
        self.send_header("Content-Length", "9" * 20 if self.path == "/boasting" else "1234")
        self.send_header("Content-Encoding", "gzip")
        if status == 301:
            self.send_header("Location", "/good")
        self.end_headers()

    def do_GET(self) -> None:
        asked.append(("GET", self.path))
        self.send_response(404 if self.path == "/gone" else 200)
        self.end_headers()

    def log_request(self, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    asked.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_head_is_enough_and_tells_the_size(url: str) -> None:
    assert Asker("us", allow_private=True)(f"{url}/good") == Answer(reached=True, size=1234)
    assert asked == [("HEAD", "/good")]


def test_where_a_server_does_not_like_that_it_is_asked_for_the_page(url: str) -> None:
    assert Asker("us", allow_private=True)(f"{url}/only-get") == Answer(reached=True)
    assert asked == [("HEAD", "/only-get"), ("GET", "/only-get")]


def test_of_a_size_that_nothing_has_so_much_is_believed_as_can_be_kept(url: str, connection: Connection, now: datetime) -> None:
    answer = Asker("us", allow_private=True)(f"{url}/boasting")
    assert answer == Answer(reached=True, size=2_000_000_000)
    keep(connection, {url: answer}, now)


def test_redirects_are_followed(url: str) -> None:
    assert Asker("us", allow_private=True)(f"{url}/moved").reached


def test_what_is_not_there_says_so(url: str) -> None:
    answer = Asker("us", allow_private=True)(f"{url}/gone")
    assert not answer.reached
    assert "/gone: the server answered 404 Not Found" in answer.said


def test_nobody_private_is_asked_who_was_not_allowed(url: str) -> None:
    answer = Asker("us", allow_private=False)(f"{url}/good")
    assert (answer.reached, asked) == (False, [])
    assert "is private or loopback" in answer.said


def test_each_address_is_asked_once() -> None:
    wanted: list[str] = []

    def ask(address: str) -> Answer:
        wanted.append(address)
        return Answer(reached=True, said=address)

    assert ask_all(["a", "b", "a"], ask) == {"a": Answer(True, None, "a"), "b": Answer(True, None, "b")}
    assert sorted(wanted) == ["a", "b"]


def test_what_was_reached_is_believed_for_a_day_and_what_was_not_for_minutes(connection: Connection, now: datetime) -> None:
    said = {"good": Answer(True, 5), "bad": Answer(False, None, "gone")}
    keep(connection, said, now)
    assert believed(connection, ["good", "bad", "other"], now) == said
    assert believed(connection, ["good", "bad"], now + timedelta(minutes=10)) == {"good": Answer(True, 5)}
    assert believed(connection, ["good", "bad"], now + timedelta(days=1)) == {}
    assert believed(connection, ["good"], now - timedelta(seconds=1)) == {}


def test_a_newer_answer_takes_the_place_of_an_older_one(connection: Connection, now: datetime) -> None:
    keep(connection, {"a": Answer(False, None, "gone"), "old": Answer(True)}, now)
    later = now + timedelta(hours=30)
    keep(connection, {"a": Answer(True, 7)}, later)
    assert believed(connection, ["a"], later) == {"a": Answer(True, 7)}
    assert believed(connection, ["old"], now) == {}  # forgotten


def test_two_that_ask_at_once_do_not_disturb_each_other(tmp_path: Path, database: Databases, now: datetime) -> None:
    engine = create_engine(database.url(tmp_path))
    tables.metadata.create_all(engine)

    def second() -> None:
        with engine.begin() as connection:
            keep(connection, {"b": Answer(True, 2), "a": Answer(True, 2)}, now)

    with ThreadPoolExecutor(1) as threads:
        with engine.begin() as connection:
            keep(connection, {"a": Answer(True, 1)}, now)
            other = threads.submit(second)
            wait([other], timeout=0.3)  # it cannot end before this one does
        other.result()
    with engine.begin() as connection:
        assert set(believed(connection, ["a", "b"], now)) == {"a", "b"}
    engine.dispose()

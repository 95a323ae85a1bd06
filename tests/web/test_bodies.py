"""Requests that are slow, and too many at once: each is told so, and nobody else waits for them."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from digest.audience.subscription import SubscriptionState
from digest.web import bodies, connections
from digest.web.connections import Impatient
from digest.web.guarding import Guard
from digest.web.serving import listen
from tests.databases import eventually
from tests.web.conftest import Pages

HOST = "Host: news.backend.example"


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "WITHIN", 0.3)
    monkeypatch.setattr(connections, "WITHIN", 0.3)
    monkeypatch.setattr(connections, "TAKEN_WITHIN", 0.3)


@contextmanager
def serving(app: ASGIApp) -> Iterator[tuple[int, uvicorn.Server]]:
    """An application on a real port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, http=Impatient, lifespan="off", log_config=None, ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield listening.getsockname()[1], server
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def answering(pages: Pages) -> Iterator[int]:
    """The pages on a real port."""
    with serving(pages.client.app) as (port, _):
        yield port


async def generous(scope: Scope, receive: Receive, send: Send) -> None:
    """At `/large` more than a connection's buffers hold while nobody reads."""
    await PlainTextResponse("x" * 8_000_000 if scope["path"] == "/large" else "done")(scope, receive, send)


def talk(port: int, *words: str, pause: float = 0.0) -> str:
    """Say something, piece by piece, and hear what is said until the other side ends it."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        for word in words:
            connection.sendall(word.encode())
            time.sleep(pause)
        return b"".join(iter(lambda: connection.recv(65536), b"")).decode()


@pytest.mark.sqlite
def test_who_never_says_their_whole_request_is_answered_or_hung_up_on(pages: Pages) -> None:
    token = pages.token("ann@x.example")
    with answering(pages) as port:
        assert talk(port, "POST /subscribe HT") == ""  # not even a head
        assert talk(port) == ""
        head = f"HTTP/1.1\r\n{HOST}\r\nContent-Length: 100\r\nContent-Type: application/x-www-form-urlencoded\r\n\r\nemail="
        assert talk(port, f"POST /subscribe {head}").startswith("HTTP/1.1 408")
        assert talk(port, f"POST /unsubscribe/{token} {head}").endswith("You are unsubscribed.\n")  # it needs no body
    assert pages.subscription("ann@x.example").state is SubscriptionState.UNSUBSCRIBED


@pytest.mark.sqlite
def test_what_is_too_large_is_heard_to_its_end_so_that_the_answer_is_heard(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "WITHIN", 10.0)
    token, piece = pages.token("ann@x.example"), "x" * bodies.MOST_BYTES
    form = f"Connection: close\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {4 * len(piece)}"
    with answering(pages) as port:
        for path, answer in ((f"/unsubscribe/{token}", "HTTP/1.1 200"), ("/subscribe", "HTTP/1.1 413")):
            head = f"POST {path} HTTP/1.1\r\n{HOST}\r\n{form}\r\n\r\n"
            assert talk(port, head, piece, piece, piece, piece, pause=0.03).startswith(answer)
    assert pages.subscription("ann@x.example").state is SubscriptionState.UNSUBSCRIBED


@pytest.mark.sqlite
def test_who_keeps_a_connection_is_heard_again_and_then_not_waited_for(pages: Pages) -> None:
    request = f"GET /healthz HTTP/1.1\r\n{HOST}\r\n\r\n"
    with answering(pages) as port:
        said = talk(port, request, request, "GET /he", pause=0.05)
    assert said.count("alive") == 2


@pytest.mark.sqlite
def test_a_slow_body_does_not_keep_others_waiting(pages: Pages) -> None:
    with answering(pages) as port:
        slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(120)]
        for connection in slow:
            connection.sendall(f"POST /subscribe HTTP/1.1\r\n{HOST}\r\nContent-Length: 9\r\n\r\na".encode())
        answer = talk(port, f"GET /subscribe HTTP/1.1\r\n{HOST}\r\nConnection: close\r\n\r\n")
        for connection in slow:
            connection.close()
    assert answer.startswith("HTTP/1.1 200")


async def _read_in_little_memory(receive: Receive) -> Receive:
    """Read ahead; at no time does that take more than a few times what is kept."""
    tracemalloc.start()
    try:
        again = await bodies.read_ahead(receive, bodies.MOST_BYTES)
        _, most_held = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most_held < 4 * bodies.MOST_BYTES
    return again


def test_a_body_in_many_small_pieces_takes_no_more_than_its_bytes() -> None:
    asyncio.run(_byte_by_byte())


async def _byte_by_byte() -> None:
    """One byte a packet, as many as are kept."""
    pieces = iter(range(bodies.MOST_BYTES, -1, -1))

    async def receive() -> Message:
        left = next(pieces)
        return {"type": "http.request", "body": b"x" * (left > 0), "more_body": left > 0}

    again = await _read_in_little_memory(receive)
    assert await again() == {"type": "http.request", "body": b"x" * bodies.MOST_BYTES, "more_body": False}


@pytest.mark.parametrize("beyond", [0, 200])
def test_what_is_too_large_is_let_go_of_as_it_comes_and_heard_up_to_a_bound(beyond: int) -> None:
    asyncio.run(_too_large(bodies.MOST_HEARD // bodies.MOST_BYTES + beyond))


async def _too_large(many: int) -> None:
    """As many pieces, each as large as a body may be."""
    left = many

    async def receive() -> Message:
        nonlocal left
        left -= 1
        return {"type": "http.request", "body": b"x" * bodies.MOST_BYTES, "more_body": left > 0}

    again = await _read_in_little_memory(receive)
    assert many - left == min(many, bodies.MOST_HEARD // bodies.MOST_BYTES + 1)
    with pytest.raises(bodies.BodyTooLarge):
        await again()


def test_what_is_too_large_and_slow_is_told_that_it_is_too_large() -> None:
    asyncio.run(_too_large_and_slow())


async def _too_large_and_slow() -> None:
    came = iter([True])

    async def receive() -> Message:
        if next(came, False):
            return {"type": "http.request", "body": b"x" * (bodies.MOST_BYTES + 1), "more_body": True}
        await asyncio.Event().wait()
        raise AssertionError("never")

    again = await bodies.read_ahead(receive, bodies.MOST_BYTES)
    with pytest.raises(bodies.BodyTooLarge):
        await again()


@pytest.mark.sqlite
@pytest.mark.parametrize("body", ["email=", "x" * 2 * bodies.MOST_BYTES], ids=["small", "large"])
def test_who_hangs_up_in_the_middle_of_a_form_is_no_defect(pages: Pages, body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "WITHIN", 10.0)
    ended: list[Exception | None] = []

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await pages.client.app(scope, receive, send)
        except Exception as raised:
            ended.append(raised)
        else:
            ended.append(None)

    form = f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {4 * bodies.MOST_BYTES}"
    with serving(watched) as (port, _), socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(f"POST /subscribe HTTP/1.1\r\n{HOST}\r\n{form}\r\n\r\n{body}".encode())
        connection.close()
        eventually(lambda: bool(ended))
    assert ended == [None]


@pytest.mark.sqlite
@pytest.mark.parametrize("many", [1, 3])
def test_who_does_not_read_the_answer_keeps_nobody_out_and_is_hung_up_on(many: int) -> None:
    """The requests behind an answer that nobody takes wait for it, too."""
    guard = Guard(generous, public_url="https://news.backend.example", headers={}, pages=(), most=1)
    with serving(guard) as (port, server), socket.create_connection(("127.0.0.1", port)) as silent:
        silent.sendall(f"GET /large HTTP/1.1\r\n{HOST}\r\n\r\n".encode() * many)
        ends = time.monotonic() + 15
        while not server.server_state.connections:
            assert time.monotonic() < ends
            time.sleep(0.01)
        assert talk(port, f"GET / HTTP/1.1\r\n{HOST}\r\nConnection: close\r\n\r\n").endswith("done")
        while server.server_state.connections:
            assert time.monotonic() < ends
            time.sleep(0.01)


def test_too_many_at_once_are_told_to_come_again_and_health_is_not() -> None:
    asyncio.run(_crowd())


async def _crowd() -> None:
    go = asyncio.Event()

    async def patient(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/slow":
            await go.wait()
        await PlainTextResponse("done")(scope, receive, send)

    guard = Guard(patient, public_url="https://news.example", headers={"X-Ours": "yes"}, pages=(), most=2)
    waiting = [asyncio.create_task(_ask(guard, "/slow")) for _ in range(2)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    status, headers = await _ask(guard, "/other")
    assert (status, headers[b"retry-after"], headers[b"x-ours"]) == (503, b"5", b"yes")
    assert (await _ask(guard, "/healthz"))[0] == 200
    go.set()
    assert [(await one)[0] for one in waiting] == [200, 200]
    assert (await _ask(guard, "/other"))[0] == 200


async def _ask(guard: Guard, path: str) -> tuple[int, dict[bytes, bytes]]:
    started: list[tuple[int, dict[bytes, bytes]]] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: object) -> None:
        assert isinstance(message, dict)
        if message["type"] == "http.response.start":
            started.append((message["status"], dict(message["headers"])))

    await guard({"type": "http", "method": "GET", "path": path, "headers": [(b"host", b"news.example")]}, receive, send)
    return started[0]


def test_small_answers_do_not_wait_for_an_acknowledgement() -> None:
    """asyncio sets TCP_NODELAY where a socket's protocol is named; what it accepts has the listener's."""
    with listen("127.0.0.1", 0) as listening:
        assert listening.proto == socket.IPPROTO_TCP

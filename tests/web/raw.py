"""Requests as a server hands them on: each letter of a path as it was sent, decoded once. A test client of Starlette's decodes twice."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlencode

from starlette.types import ASGIApp, Message


@dataclass(frozen=True, slots=True)
class Asked:
    """A request. `form` is posted, `headers` are in small letters."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    form: tuple[tuple[str, str], ...] = ()
    host: str = "news.backend.example"
    scheme: str = "https"


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of it."""

    status: int
    headers: dict[str, str]
    text: str


def answers(application: ASGIApp, asked: Sequence[Asked]) -> list[Answered]:
    """What comes of each, one after another, without a socket."""

    async def all_of_them() -> list[Answered]:
        return [await _answer(application, one) for one in asked]

    return asyncio.run(all_of_them())


async def _answer(application: ASGIApp, asked: Asked) -> Answered:
    path, _, query = asked.target.partition("?")
    body = urlencode(asked.form).encode()
    headers = [("host", asked.host), *asked.headers]
    if asked.form:
        headers += [("content-type", "application/x-www-form-urlencoded"), ("content-length", str(len(body)))]
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": asked.method,
        "scheme": asked.scheme,
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in headers],
        "client": ("192.0.2.7", 40000),
        "server": (asked.host, 443),
    }
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await application(scope, receive, send)
    start = next(one for one in sent if one["type"] == "http.response.start")
    text = b"".join(one.get("body", b"") for one in sent if one["type"] == "http.response.body").decode("utf-8", "replace")
    return Answered(start["status"], {name.decode(): value.decode() for name, value in start["headers"]}, text)

"""An HTTP API on loopback: takes what its judges find no fault with, answers as told, and misbehaves as told."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qsl

from digest.testing.loopback import End, LoopbackServer, finish, say_slowly


@dataclass(frozen=True, slots=True)
class Request:
    """One request, as it came. `number` counts them over all connections from 1; `payload` is None when it is not JSON."""

    number: int
    connection: int
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    payload: Any = None

    @property
    def recipients(self) -> list[str]:
        """SendGrid's: the address of each personalization."""
        return [personalization["to"][0]["email"] for personalization in self.payload["personalizations"]]

    @property
    def form(self) -> list[tuple[str, str]]:
        """The fields of a form, in their order."""
        return parse_qsl(self.body.decode("ascii"), keep_blank_values=True, strict_parsing=True)


@dataclass(frozen=True, slots=True)
class Respond:
    """One answer. `raw` goes out as it is, instead of an HTTP answer; `end` then ends the connection.

    With neither a status nor `raw`, nothing is said: `end`, or silence until the other side gives up. `slowly`: so many
    seconds before each byte of `raw`. `taken`: the mail is taken whatever is said; by default, with a 2xx alone.
    """

    status: int | None = None
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    end: End | None = None
    slowly: float = 0.0
    taken: bool = False


SILENCE = Respond()
CLOSE = Respond(end="close")
RESET = Respond(end="reset")


Script = Callable[[Request], Respond | None]
"""None means the usual answer."""
EarlyMoment = Literal["connect", "head", "body"]
Early = Callable[[EarlyMoment], Respond | None]
"""Asked before anything of a request is read, after its headers, and in the middle of its body; None: go on."""
Judge = Callable[[Any], Iterable[str]]
"""What is wrong with a payload (parsed JSON, or the pairs of a form), in words."""


class HttpStub(LoopbackServer):
    """The stub; a context manager. `url` is what goes into a provider's `host`. `usual` makes the answer to what is in order.

    A request in which a judge finds fault is recorded in `violations` and answered with 400. `early` may answer before a
    request has been read; a plain answer is given after the headers.
    """

    def __init__(
        self,
        usual: Callable[[Request], Respond],
        script: Script | None = None,
        *,
        judges: Iterable[Judge] = (),
        path: str | None = None,
        headers: dict[str, str] | None = None,
        early: Early | Respond | None = None,
        tls: ssl.SSLContext | None = None,
        receive_buffer: int | None = None,
    ) -> None:
        super().__init__(tls, receive_buffer)
        self.requests: list[Request] = []
        self.accepted: list[Request] = []
        self.violations: list[str] = []
        self._usual, self._script, self._judges = usual, script, tuple(judges)
        self._early = early if callable(early) else lambda moment: early if moment == "head" else None
        self._path, self._headers = path, headers or {}
        self._scheme = "https" if tls is not None else "http"

    @property
    def url(self) -> str:
        """The base URL."""
        return f"{self._scheme}://{self.host}:{self.port}"

    def serve(self, connection: socket.socket, number: int) -> None:
        """Answer requests until the connection ends."""
        heard = b""
        while True:
            if self._is_early(connection, "connect"):
                return
            while b"\r\n\r\n" not in heard:
                heard += _more(connection)
            head, _, heard = heard.partition(b"\r\n\r\n")
            if self._is_early(connection, "head"):
                return
            method, path, headers = _read_head(head)
            length = int(headers.get("content-length", "0"))
            pieces, missing = [heard], length - len(heard)
            while missing > length // 2:
                pieces.append(_more(connection, missing - length // 2))
                missing -= len(pieces[-1])
            if self._is_early(connection, "body"):
                return
            while missing > 0:
                pieces.append(_more(connection, min(missing, 1_000_000)))
                missing -= len(pieces[-1])
            whole = b"".join(pieces)
            body, heard = whole[:length], whole[length:]
            if not self._say(connection, self._answer(number, method, path, headers, body)):
                return

    def _is_early(self, connection: socket.socket, moment: EarlyMoment) -> bool:
        """Whether the connection has ended before a request was read."""
        respond = self._early(moment)
        if respond is None:
            return False
        if self._say(connection, respond):
            finish(connection, "close")
        return True

    def refuse(self, wrong: list[str]) -> Respond:
        """The answer to a request with these faults."""
        return Respond(400, json.dumps({"message": "; ".join(wrong)}).encode(), {"Content-Type": "application/json"})

    def known(self, request: Request) -> Respond | None:
        """The answer to a request that was taken before and is not taken again; no API knows one, unless it says so."""
        return None

    def _answer(self, connection: int, method: str, path: str, headers: dict[str, str], body: bytes) -> Respond:
        try:
            payload = json.loads(body)
        except ValueError:
            payload = None
        with self.lock:
            request = Request(len(self.requests) + 1, connection, method, path, headers, body, payload)
            self.requests.append(request)
        wrong = [*self._wrong_with(request)]
        with self.lock:
            self.violations += [f"request {request.number}: {words}" for words in wrong]
        known = None if wrong else self.known(request)
        if known is not None:
            return known
        respond = self._script(request) if self._script else None
        if respond is None and wrong:
            respond = self.refuse(wrong)
        if respond is None or (respond.status or 0) // 100 == 2 or respond.taken:
            with self.lock:
                self.accepted.append(request)
        return respond or self._usual(request)

    def _wrong_with(self, request: Request) -> Iterable[str]:
        if request.method != "POST" or (self._path is not None and request.path != self._path):
            yield f"{request.method} {request.path} is not POST {self._path}"
        for name, value in self._headers.items():
            if request.headers.get(name.lower()) != value:
                yield f"the {name} header is not what it must be"
        payload = request.payload
        if payload is None:
            try:
                payload = request.form
            except ValueError:
                yield "the body is neither JSON nor a form"
                return
        for judge in self._judges:
            yield from judge(payload)

    def _say(self, connection: socket.socket, respond: Respond) -> bool:
        """Whether the connection goes on."""
        if respond.raw is not None:
            say_slowly(connection, respond.raw, respond.slowly)
        elif respond.status is not None:
            headers = {"Content-Length": str(len(respond.body)), **respond.headers}
            lines = [f"HTTP/1.1 {respond.status} Stub", *(f"{name}: {value}" for name, value in headers.items())]
            connection.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + respond.body)
        if respond.end is None and (respond.raw is not None or respond.status is not None):
            return True
        finish(connection, respond.end or "silence")
        return False


def _more(connection: socket.socket, most: int = 65536) -> bytes:
    data = connection.recv(most)
    if not data:
        raise ConnectionError("the other side has gone")
    return data


def _read_head(head: bytes) -> tuple[str, str, dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ", 2)
    return method, path, {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}

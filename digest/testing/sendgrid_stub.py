"""SendGrid's mail/send on loopback: takes what the API takes, refuses what it refuses, and misbehaves as told."""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from digest.testing.loopback import End, LoopbackServer, finish, say_slowly

PATH = "/v3/mail/send"


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
        """The address of each personalization."""
        return [personalization["to"][0]["email"] for personalization in self.payload["personalizations"]]


@dataclass(frozen=True, slots=True)
class Respond:
    """One answer. `raw` goes out as it is, instead of an HTTP answer; `end` then ends the connection.

    With neither a status nor `raw`, nothing is said: `end`, or silence until the other side gives up. `slowly`: so many
    seconds before each byte of `raw`. `taken`: the mail is taken whatever is said; by default, with a 202 alone.
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


def errors(*named: tuple[str | None, str], status: int = 400) -> Respond:
    """An answer with SendGrid's list of errors: a field and a message each."""
    body = {"errors": [{"message": message, "field": name, "help": None} for name, message in named]}
    return Respond(status, json.dumps(body).encode(), {"Content-Type": "application/json"})


Script = Callable[[Request], Respond | None]
"""None means the usual answer: 202 with an `X-Message-Id`."""
EarlyMoment = Literal["connect", "head", "body"]
Early = Callable[[EarlyMoment], Respond | None]
"""Asked before anything of a request is read, after its headers, and in the middle of its body; None: go on."""
Judge = Callable[[Any], Iterable[str]]
"""What is wrong with a payload, in words."""


class SendGridStub(LoopbackServer):
    """The stub; a context manager. `url` is what goes into `providers.sendgrid.host`.

    A payload in which a judge finds fault is recorded in `violations` and answered with 400, as the API would.
    `early` may answer before a request has been read.
    """

    def __init__(
        self,
        script: Script | None = None,
        *,
        judges: Iterable[Judge] = (),
        api_key: str = "SG.key",
        early: Early | Respond | None = None,
        tls: ssl.SSLContext | None = None,
        receive_buffer: int | None = None,
    ) -> None:
        super().__init__(tls, receive_buffer)
        self.requests: list[Request] = []
        self.accepted: list[Request] = []
        self.violations: list[str] = []
        self._script, self._judges, self._api_key = script, tuple(judges), api_key
        self._early = early if callable(early) else lambda moment: early if moment == "head" else None
        self._scheme = "https" if tls is not None else "http"

    @property
    def url(self) -> str:
        """The base URL."""
        return f"{self._scheme}://{self.host}:{self.port}"

    @property
    def recipients(self) -> list[str]:
        """The address of each personalization taken, in order."""
        with self.lock:
            return [address for request in self.accepted for address in request.recipients]

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
        respond = self._script(request) if self._script else None
        if respond is None and wrong:
            respond = errors(*((None, words) for words in wrong))
        if respond is None or respond.status == 202 or respond.taken:
            with self.lock:
                self.accepted.append(request)
        return respond or Respond(202, headers={"X-Message-Id": f"M{request.number}"})

    def _wrong_with(self, request: Request) -> Iterable[str]:
        if (request.method, request.path) != ("POST", PATH):
            yield f"{request.method} {request.path} is not POST {PATH}"
        if request.headers.get("authorization") != f"Bearer {self._api_key}":
            yield "the Authorization header does not hold the key"
        if request.headers.get("content-type") != "application/json":
            yield "the content is not application/json"
        if request.payload is None:
            yield "the body is not JSON"
            return
        for judge in self._judges:
            yield from judge(request.payload)

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

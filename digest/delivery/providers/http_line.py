"""One kept connection to an HTTP API: deadlines, no redirect, no log, and errors that tell whether the request had been sent.

Every provider that is an HTTP API speaks over a `Line`; each lane of the dispatch has one, and so the lanes are the pool.
"""

from __future__ import annotations

import http.client
import io
import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from digest.delivery.providers.http_answer import HttpAnswer
from digest.delivery.providers.waiting import Aside, run
from digest.delivery.providers.wire import Deadline, Wire, dial
from digest.delivery.providers.wording import explain
from digest.delivery.real_time import elapsed

_KEPT_IDLE = 5.0  # a server that closes an idle connection just now would leave our next request in doubt
_LARGEST_BODY = 1_000_000
_LARGEST_HEAD = 100_000
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_CONTINUE = re.compile(rb"HTTP/1\.[01] 100\b")
_BODY_WITHIN = 10.0
_REFUSED = frozenset({400, 401, 402, 403, 404, 405, 413, 415, 429})


class NotSent(Exception):
    """The request was not sent to its last byte: it cannot have been taken."""


class NoAnswer(Exception):
    """The request was sent, and no answer that makes sense came back: nobody knows."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long one call may take: to connect, to its last byte, and from there to its answer."""

    connect: Deadline
    write: Deadline
    answer_within: timedelta


class Line:
    """The one connection to the API; opened when it is needed. It waits as `waiting` says."""

    def __init__(self, base_url: str, tls: Callable[[], ssl.SSLContext]) -> None:
        parts = urlsplit(base_url)
        self._host, self._secure = parts.hostname or "", parts.scheme == "https"
        self._port = parts.port or (443 if self._secure else 80)
        self._tls = tls
        self._wire: Wire | None = None
        self._used_at = 0.0
        self._closed = False

    def call(self, path: str, body: bytes, headers: Mapping[str, str], limits: Limits) -> HttpAnswer:
        """POST once, waiting for nothing else."""
        return run(self.post(path, body, headers, limits))

    async def post(self, path: str, body: bytes, headers: Mapping[str, str], limits: Limits) -> HttpAnswer:
        """POST once."""
        try:
            request = self._written(path, body, headers)
            wire = await self._ready(limits.connect)
        except (OSError, ValueError) as error:
            self.let_go()
            raise NotSent(f"{self._host}:{self._port}: {explain(error)}") from None
        wire.deadline = limits.write
        try:
            await wire.write(request)
        except OSError as error:
            return await self._early(wire, error)
        del request  # of a thousand readers it is a megabyte, and whoever waits for an answer needs it no more
        wire.deadline = Deadline(limits.answer_within)
        try:
            return await self._read(wire)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.let_go()
            raise NoAnswer(explain(error)) from None

    def close(self) -> None:
        """Let go for good; never raises."""
        self._closed = True
        self.let_go()

    def let_go(self) -> None:
        """Let the connection go; never raises."""
        if self._wire is not None:
            self._wire.close()
        self._wire = None

    def _written(self, path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
        """The request as it is sent."""
        connection, written = http.client.HTTPConnection(self._host, self._port), _Written()
        connection.default_port = 443 if self._secure else 80  # not named in Host, which signatures cover
        connection.sock = written  # as much of a socket as it needs
        connection.request("POST", path, body=body, headers=dict(headers))
        return b"".join(written.pieces)

    async def _ready(self, deadline: Deadline) -> Wire:
        idle = elapsed() - self._used_at
        if self._wire is not None and idle < _KEPT_IDLE and self._wire.is_quiet():
            return self._wire
        self.let_go()
        wire: Wire = await Aside(lambda: self._open(deadline))
        self._wire = wire
        return wire

    def _open(self, deadline: Deadline) -> Wire:
        wire = dial(self._host, self._port, deadline)
        try:
            if self._secure:
                wire.secure(self._tls(), self._host)
            if self._closed:  # meanwhile: nobody would let it go
                raise ConnectionAbortedError("the connection is not wanted any more")
        except BaseException:
            wire.close()
            raise
        return wire

    async def _early(self, wire: Wire, error: OSError) -> HttpAnswer:
        """A server may refuse before it has read everything, and then close; its words are better than a broken pipe."""
        try:
            wire.deadline = Deadline(1)
            answer = await self._read(wire)
        except (OSError, http.client.HTTPException, ValueError):
            answer = None
        self.let_go()
        if answer is None or answer.status not in _REFUSED:
            raise NotSent(explain(error)) from None
        return answer

    async def _read(self, wire: Wire) -> HttpAnswer:
        """The answer; its status says what it means, so nobody waits long for the rest."""
        heard, ended = bytearray(), False
        while not ended and len(heard) < _LARGEST_HEAD and not _HEAD_END.search(_without_continue(heard)):
            data = await wire.hear()
            heard, ended = heard + data, not data
        response, body = _parse(heard)
        wire.deadline = wire.deadline.at_most(_BODY_WITHIN)
        while not (ended or response.isclosed() or len(body) >= _LARGEST_BODY):
            try:
                data = await wire.hear()
            except OSError:
                break
            heard, ended = heard + data, not data
            response, body = _parse(heard)
        self._used_at = elapsed()
        if response.will_close or not response.isclosed():
            self.let_go()
        return HttpAnswer(response.status, {name.lower(): value for name, value in response.getheaders()}, body)


class _Written:
    """What a request is written into."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def sendall(self, data: bytes) -> None:
        self.pieces.append(data)


class _Heard:
    """What has come of an answer, as a socket from which it is read."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, mode: str) -> io.BytesIO:
        return io.BytesIO(self._data)


def _without_continue(heard: bytearray) -> bytearray:
    """Less the words that it may go on, for which nobody has asked."""
    while _CONTINUE.match(heard) and (end := _HEAD_END.search(heard)) is not None:
        heard = heard[end.end() :]
    return heard


def _parse(heard: bytearray) -> tuple[http.client.HTTPResponse, bytes]:
    """What has come so far; it is closed when that is all."""
    response = http.client.HTTPResponse(_Heard(bytes(heard)), method="POST")  # type: ignore[arg-type] # as above
    response.begin()
    try:
        return response, response.read(_LARGEST_BODY)
    except http.client.IncompleteRead as error:
        return response, error.partial
    except (http.client.HTTPException, ValueError):
        return response, b""

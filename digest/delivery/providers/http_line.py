"""One kept connection to an HTTP API: deadlines, no redirect, no log, and errors that tell whether the request had been sent.

Every provider that is an HTTP API speaks over a `Line`; each lane of the dispatch has one, and so the lanes are the pool.
"""

from __future__ import annotations

import http.client
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from digest.delivery.providers.http_answer import HttpAnswer
from digest.delivery.providers.wire import Deadline, Wire, dial
from digest.delivery.providers.wording import explain
from digest.delivery.real_time import elapsed

_KEPT_IDLE = 5.0  # a server that closes an idle connection just now would leave our next request in doubt
_LARGEST_BODY = 1_000_000
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
    """The one connection to the API; opened when it is needed."""

    def __init__(self, base_url: str, tls: Callable[[], ssl.SSLContext]) -> None:
        parts = urlsplit(base_url)
        self._host, self._secure = parts.hostname or "", parts.scheme == "https"
        self._port = parts.port or (443 if self._secure else 80)
        self._tls = tls
        self._connection: http.client.HTTPConnection | None = None
        self._wire: Wire | None = None
        self._used_at = 0.0

    def call(self, path: str, body: bytes | bytearray, headers: Mapping[str, str], limits: Limits) -> HttpAnswer:
        """POST once."""
        try:
            connection, wire = self._ready(limits.connect)
        except (OSError, ValueError) as error:
            self.close()
            raise NotSent(f"{self._host}:{self._port}: {explain(error)}") from None
        wire.deadline = limits.write
        try:
            connection.request("POST", path, body=body, headers=dict(headers))
        except OSError as error:
            return self._early(connection, error)
        wire.deadline = Deadline(limits.answer_within)
        try:
            return self._read(connection)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            raise NoAnswer(explain(error)) from None

    def close(self) -> None:
        """Let go; never raises."""
        if self._wire is not None:
            self._wire.close()
        self._wire = self._connection = None

    def _ready(self, deadline: Deadline) -> tuple[http.client.HTTPConnection, Wire]:
        idle = elapsed() - self._used_at
        if self._wire is not None and self._connection is not None and idle < _KEPT_IDLE and self._wire.is_quiet():
            return self._connection, self._wire
        self.close()
        self._wire = dial(self._host, self._port, deadline)
        if self._secure:
            self._wire.secure(self._tls(), self._host)
        self._connection = http.client.HTTPConnection(self._host, self._port)
        self._connection.default_port = 443 if self._secure else 80  # not named in Host, which signatures cover
        self._connection.sock = self._wire
        return self._connection, self._wire

    def _early(self, connection: http.client.HTTPConnection, error: OSError) -> HttpAnswer:
        """A server may refuse before it has read everything, and then close; its words are better than a broken pipe."""
        try:
            if self._wire is not None:
                self._wire.deadline = Deadline(1)
            answer = self._read(connection)
        except (OSError, http.client.HTTPException, ValueError):
            answer = None
        self.close()
        if answer is None or answer.status not in _REFUSED:
            raise NotSent(explain(error)) from None
        return answer

    def _read(self, connection: http.client.HTTPConnection) -> HttpAnswer:
        response = connection.getresponse()
        body, whole = self._body(response)
        self._used_at = elapsed()
        if response.will_close or not whole:
            self.close()
        return HttpAnswer(response.status, {name.lower(): value for name, value in response.getheaders()}, body)

    def _body(self, response: http.client.HTTPResponse) -> tuple[bytes, bool]:
        """The body and whether it came whole; what it says is known from the status, so nobody waits long for it."""
        if self._wire is not None:
            self._wire.deadline = self._wire.deadline.at_most(_BODY_WITHIN)
        try:
            body = response.read(_LARGEST_BODY)
        except http.client.IncompleteRead as error:
            return error.partial, False
        except (OSError, http.client.HTTPException, ValueError):
            return b"", False
        return body, response.isclosed()

"""Fetching: the one way Digest reads an address that somebody else controls.

Only http(s). Every address a name resolves to is checked, and the connection is made to an address that was checked,
so that a second answer of the name server changes nothing; redirects begin from the start. No proxy or login is taken
from the environment. Bytes are counted as they come, before and after decompression, and a wall-clock deadline spans
it all, name resolution and redirects included.
"""

from __future__ import annotations

import ssl
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Literal
from urllib.parse import urlsplit

import httpcore2
import httpx2

from digest import __version__
from digest.catalogue.address import web_address
from digest.catalogue.connecting import CheckedBackend, Connect, Deadline, RefusedAddress, Resolve, connect, resolve
from digest.catalogue.plain_text import one_line, shorten
from digest.catalogue.unpacking import unpacked
from digest.errors import Unreachable

USER_AGENT = f"Digest/{__version__} (newsletter digest builder; reads feeds)"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PERMANENT = frozenset({301, 308})
_BUSY = frozenset({429, 503})
_HEADER_KEPT = 500
_WHY_KEPT = 64 * 1024
ACCEPT = "application/rss+xml, application/atom+xml, application/feed+json, application/json, application/xml, text/xml;q=0.9, */*;q=0.5"


NETWORK_ERRORS = (
    httpx2.HTTPError,
    httpx2.InvalidURL,
    httpcore2.TimeoutException,
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
)
"""What a request may raise that is the network's or the server's, in both layers of the client."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one fetch may cost: bytes (raw, and again after decompression), redirects, seconds for each phase and in all."""

    size: int = 10 * 1024 * 1024
    redirects: int = 5
    connect_seconds: float = 10.0
    read_seconds: float = 15.0
    total_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Asking:
    """What a request says beside the address: who asks, for what, and what was seen last time (RFC 9110, 13.1).

    `hear` are the names of further headers of the answer that whoever asks wants to know, in lower case; `hear_why`, that
    they want to know what a server says where it takes the request for a bad one. Without `body` nothing but the answer's
    head is read.
    """

    user_agent: str = USER_AGENT
    accept: str = ACCEPT
    etag: str | None = None
    last_modified: str | None = None
    hear: tuple[str, ...] = ()
    method: Literal["GET", "HEAD"] = "GET"
    body: bool = True
    hear_why: bool = False

    @property
    def conditional(self) -> bool:
        """Whether "not modified" is an answer."""
        return self.etag is not None or self.last_modified is not None

    @property
    def headers(self) -> dict[str, str]:
        """The request's headers."""
        conditions = {"if-none-match": self.etag, "if-modified-since": self.last_modified}
        known = {name: value for name, value in conditions.items() if value is not None}
        return {"user-agent": self.user_agent, "accept": self.accept, "accept-encoding": "gzip, deflate"} | known


Turn = Callable[[str], AbstractContextManager[None]]
"""Given a host and port: held while that host is asked, waited for before. May raise `Unreachable` instead."""


class Postponed(Unreachable):
    """The server asks to be left alone for a while; `retry_after` is the header as it came."""

    def __init__(self, message: str, status: int, retry_after: str) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


class BadRequest(Unreachable):
    """The server takes the request for a bad one (400); `why` is the beginning of what it says, where that was asked for."""

    def __init__(self, message: str, why: bytes) -> None:
        super().__init__(message)
        self.why = why


@dataclass(frozen=True, slots=True)
class Page:
    """What was fetched: the bytes, decompressed, and the address and content type they finally came with.

    `moved_to` is where permanent redirects alone led; `not_modified` says that nothing changed since the visit that
    the request named, and then there are no bytes. `heard` holds the further headers that were asked for.
    """

    url: str
    data: bytes
    content_type: str | None
    etag: str | None = None
    last_modified: str | None = None
    moved_to: str | None = None
    not_modified: bool = False
    heard: Mapping[str, str] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """The address as messages name it: without its parameters, which may hold a secret."""
        return _shown(self.url)


def fetch(
    url: str,
    *,
    allow_private: bool | str = False,
    bounds: Bounds | None = None,
    asking: Asking | None = None,
    turn: Turn = lambda _: nullcontext(),
    resolve: Resolve = resolve,
    connect: Connect = connect,
    ssl_context: ssl.SSLContext | None = None,
) -> Page:
    """The page at `url`. Raises `Unreachable` with one line that names the address; tries nothing twice.

    A server that says how long to leave it alone raises `Postponed`. `allow_private` permits private and loopback addresses, of every
    host or of the one it names. `resolve` and `connect` are the edges to the network.
    """
    bounds, asking = bounds or Bounds(), asking or Asking()
    deadline = Deadline(bounds.total_seconds)
    backend = CheckedBackend(deadline, allow_private=allow_private, resolve=resolve, connect=connect)
    try:
        with httpx2.Client(
            transport=CheckedTransport(backend, ssl_context or httpx2.create_ssl_context(trust_env=False)),
            trust_env=False,
            headers=asking.headers,
            timeout=httpx2.Timeout(bounds.read_seconds, connect=bounds.connect_seconds),
        ) as client:
            return _Way(client, bounds, asking, turn, deadline).follow(web_address(url))
    except Postponed as error:
        raise Postponed(f"{_shown(url)}: {error}", error.status, error.retry_after) from None
    except BadRequest as error:
        raise BadRequest(f"{_shown(url)}: {error}", error.why) from None
    except Unreachable as error:
        raise Unreachable(f"{_shown(url)}: {error}") from None
    except NETWORK_ERRORS as error:
        raise Unreachable(f"{_shown(url)}: {told(error, deadline)}") from None
    except (ValueError, OSError, zlib.error) as error:
        raise Unreachable(f"{_shown(url)}: {one_line(str(error)) or type(error).__name__}") from None


@dataclass(frozen=True, slots=True)
class _Way:
    """The way from an address over its redirects to a page."""

    client: httpx2.Client
    bounds: Bounds
    asking: Asking
    turn: Turn
    deadline: Deadline

    def follow(self, url: str) -> Page:
        moved_to, permanent = None, True
        for _ in range(self.bounds.redirects + 1):
            with ExitStack() as held:
                with self.deadline.stopped():
                    held.enter_context(self.turn(urlsplit(url).netloc))
                response = held.enter_context(self.client.stream(self.asking.method, url, follow_redirects=False))
                if response.status_code not in _REDIRECTS:
                    return self._page(response, moved_to)
                url = _target(response)
            permanent = permanent and response.status_code in _PERMANENT
            moved_to = url if permanent else moved_to
        raise Unreachable(f"is redirected more than {self.bounds.redirects} times")

    def _page(self, response: httpx2.Response, moved_to: str | None) -> Page:
        kind, url = response.headers.get("content-type"), str(response.url)
        etag, last_modified = _header(response, "etag"), _header(response, "last-modified")
        if response.status_code == HTTPStatus.NOT_MODIFIED and self.asking.conditional:
            return Page(url, b"", kind, etag, last_modified, moved_to, not_modified=True)
        if response.status_code == HTTPStatus.OK:
            heard = {name: value for name in self.asking.hear if (value := _header(response, name)) is not None}
            data = unpacked(response, self.bounds.size) if self.asking.body else b""
            return Page(url, data, kind, etag, last_modified, moved_to, heard=heard)
        said = f"the server answered {_status(response.status_code)}"
        if response.status_code in _BUSY and (after := _header(response, "retry-after")):
            raise Postponed(said, response.status_code, after)
        if response.status_code == HTTPStatus.BAD_REQUEST and self.asking.hear_why:
            raise BadRequest(said, unpacked(response, _WHY_KEPT))
        raise Unreachable(said)


def _header(response: httpx2.Response, name: str) -> str | None:
    """A header that may be kept and sent back: printable, and of a length that somebody meant."""
    value = response.headers.get(name)
    return value if value and value.isascii() and value.isprintable() and len(value) <= _HEADER_KEPT else None


def _target(response: httpx2.Response) -> str:
    location = response.headers.get("location")
    if not location:
        raise Unreachable(f"the server answered {_status(response.status_code)} without saying where to")
    try:
        return web_address(str(response.url.join(location)))
    except (ValueError, httpx2.InvalidURL) as error:
        raise Unreachable(f"is redirected to '{_shown(location)}', which {error}") from None


def _status(code: int) -> str:
    phrases = {status.value: status.phrase for status in HTTPStatus}
    return f"{code} {phrases.get(code, '')}".strip()


def told(error: Exception, deadline: Deadline) -> str:
    """A network error in words a person can act on."""
    if isinstance(error, RefusedAddress):
        return str(error)
    if deadline.passed:
        return f"did not arrive within {deadline.seconds:g} seconds"
    if isinstance(error, httpx2.TimeoutException | httpcore2.TimeoutException):
        return "the server did not answer in time"
    return f"cannot be read ({shorten(one_line(str(error)), 200) or type(error).__name__})"


def _shown(url: str) -> str:
    """An address without user, password, parameters and fragment."""
    try:
        parts = urlsplit(url)
        return shorten(one_line(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"), 200)
    except ValueError:
        return shorten(one_line(url.partition("?")[0]), 200)


class CheckedTransport(httpx2.BaseTransport):
    """httpx2's way to a connection pool whose connections are checked ones."""

    def __init__(self, backend: httpcore2.NetworkBackend, context: ssl.SSLContext) -> None:
        self._pool = httpcore2.ConnectionPool(ssl_context=context, max_connections=1, network_backend=backend)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        url = httpcore2.URL(
            scheme=request.url.raw_scheme, host=request.url.raw_host, port=request.url.port, target=request.url.raw_path
        )
        answer = self._pool.handle_request(
            httpcore2.Request(
                method=request.method, url=url, headers=request.headers.raw, content=request.stream, extensions=request.extensions
            )
        )
        return httpx2.Response(answer.status, headers=answer.headers, stream=_Stream(answer), extensions=answer.extensions)

    def close(self) -> None:
        self._pool.close()


class _Stream(httpx2.SyncByteStream):
    def __init__(self, answer: httpcore2.Response) -> None:
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        yield from self._answer.iter_stream()

    def close(self) -> None:
        self._answer.close()

"""Fetching: the one way Digest reads an address that somebody else controls.

Only http(s). Every address a name resolves to is checked, and the connection is made to an address that was checked,
so that a second answer of the name server changes nothing; redirects begin from the start. No proxy or login is taken
from the environment. Bytes are counted as they come, before and after decompression, and a wall-clock deadline spans
it all, name resolution and redirects included.
"""

from __future__ import annotations

import ssl
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

import httpcore2
import httpx2

from digest import __version__
from digest.catalogue.address import web_address
from digest.catalogue.connecting import CheckedBackend, Connect, Deadline, RefusedAddress, Resolve, connect, resolve
from digest.catalogue.plain_text import one_line, shorten
from digest.errors import Unreachable

USER_AGENT = f"Digest/{__version__} (newsletter digest builder; reads feeds)"
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_ACCEPT = "application/rss+xml, application/atom+xml, application/feed+json, application/json, application/xml, text/xml;q=0.9, */*;q=0.5"


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one fetch may cost: bytes (raw, and again after decompression), redirects, seconds for each phase and in all."""

    size: int = 10 * 1024 * 1024
    redirects: int = 5
    connect_seconds: float = 10.0
    read_seconds: float = 15.0
    total_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Page:
    """What was fetched: the bytes, decompressed, and the address and content type they finally came with."""

    url: str
    data: bytes
    content_type: str | None

    @property
    def place(self) -> str:
        """The address as messages name it: without its parameters, which may hold a secret."""
        return _shown(self.url)


def fetch(
    url: str,
    *,
    allow_private: bool = False,
    bounds: Bounds | None = None,
    resolve: Resolve = resolve,
    connect: Connect = connect,
    ssl_context: ssl.SSLContext | None = None,
) -> Page:
    """The page at `url`. Raises `Unreachable` with one line that names the address; tries nothing twice.

    `allow_private` permits private and loopback addresses. `resolve` and `connect` are the edges to the network.
    """
    bounds = bounds or Bounds()
    deadline = Deadline(bounds.total_seconds)
    backend = CheckedBackend(deadline, allow_private=allow_private, resolve=resolve, connect=connect)
    try:
        with httpx2.Client(
            transport=_Transport(backend, ssl_context or httpx2.create_ssl_context(trust_env=False)),
            trust_env=False,
            headers={"user-agent": USER_AGENT, "accept": _ACCEPT, "accept-encoding": "gzip, deflate"},
            timeout=httpx2.Timeout(bounds.read_seconds, connect=bounds.connect_seconds),
        ) as client:
            return _follow(client, web_address(url), bounds)
    except Unreachable as error:
        raise Unreachable(f"{_shown(url)}: {error}") from None
    except (
        httpx2.HTTPError,
        httpx2.InvalidURL,
        httpcore2.TimeoutException,
        httpcore2.NetworkError,
        httpcore2.ProtocolError,
    ) as error:
        raise Unreachable(f"{_shown(url)}: {_said(error, deadline)}") from None
    except (ValueError, OSError, zlib.error) as error:
        raise Unreachable(f"{_shown(url)}: {one_line(str(error)) or type(error).__name__}") from None


def _follow(client: httpx2.Client, url: str, bounds: Bounds) -> Page:
    for _ in range(bounds.redirects + 1):
        with client.stream("GET", url, follow_redirects=False) as response:
            if response.status_code == HTTPStatus.OK:
                data = b"".join(_bounded(_decoded(response, bounds.size), bounds.size))
                return Page(str(response.url), data, response.headers.get("content-type"))
            if response.status_code not in _REDIRECTS:
                raise Unreachable(f"the server answered {_status(response.status_code)}")
            url = _target(response)
    raise Unreachable(f"is redirected more than {bounds.redirects} times")


def _target(response: httpx2.Response) -> str:
    location = response.headers.get("location")
    if not location:
        raise Unreachable(f"the server answered {_status(response.status_code)} without saying where to")
    try:
        return web_address(str(response.url.join(location)))
    except (ValueError, httpx2.InvalidURL) as error:
        raise Unreachable(f"is redirected to '{_shown(location)}', which {error}") from None


def _decoded(response: httpx2.Response, size: int) -> Iterator[bytes]:
    """The body as it comes, decompressed in pieces; the raw bytes are bounded here."""
    length = response.headers.get("content-length", "")
    if length.isdecimal() and int(length[:20]) > size:
        raise Unreachable(_too_large(size))
    raw = _bounded(response.iter_raw(), size)
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding in {"", "identity"}:
        return raw
    if encoding in {"gzip", "x-gzip", "deflate"}:
        return _inflated(raw, encoding)
    raise Unreachable(f"is encoded as '{shorten(one_line(encoding), 40)}', which was not asked for")


def _inflated(raw: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """`raw` decompressed, never more than 64 KB at a time, however small the input."""
    inflater = None
    for chunk in raw:
        pending = chunk
        while pending:
            if inflater is None or inflater.eof:
                inflater = zlib.decompressobj(_window(pending, encoding))
            yield inflater.decompress(pending, 65536)
            pending = inflater.unconsumed_tail or (inflater.unused_data if inflater.eof else b"")
        while inflater is not None and not inflater.eof and (rest := inflater.decompress(b"", 65536)):
            yield rest
    if inflater is None or not inflater.eof:
        raise Unreachable("ended in the middle of its compressed content")


def _window(start: bytes, encoding: str) -> int:
    """zlib's window bits: gzip, zlib, or, where a server takes "deflate" at its word, the bare stream."""
    if encoding != "deflate":
        return zlib.MAX_WBITS | 16
    return zlib.MAX_WBITS if start[0] & 0x0F == 8 and start[0] >> 4 <= 7 else -zlib.MAX_WBITS


def _bounded(chunks: Iterator[bytes], size: int) -> Iterator[bytes]:
    seen = 0
    for chunk in chunks:
        seen += len(chunk)
        if seen > size:
            raise Unreachable(_too_large(size))
        yield chunk


def _too_large(size: int) -> str:
    return f"is larger than {size / 1024 / 1024:g} MB"


def _status(code: int) -> str:
    phrases = {status.value: status.phrase for status in HTTPStatus}
    return f"{code} {phrases.get(code, '')}".strip()


def _said(error: Exception, deadline: Deadline) -> str:
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


class _Transport(httpx2.BaseTransport):
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

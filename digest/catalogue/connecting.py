"""Connecting: a name is resolved once, every address checked, and one of those very addresses connected to.

Below httpcore2's pool, so that TLS still asks for the name and the Host header still carries it. Every wait is cut by
one deadline, whatever the time-outs of the phases say: a server that sends a byte a second ends with it.
"""

from __future__ import annotations

import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpcore2

from digest.catalogue.internet_address import refusal

Resolve = Callable[[str, int], Sequence[str]]
"""A name and a port to its addresses, as text. Raises `OSError`."""
Connect = Callable[[str, int, float], httpcore2.NetworkStream]
"""A connection to an address and a port within some seconds. Raises httpcore2's errors."""


class RefusedAddress(httpcore2.ConnectError):
    """The name leads to an address that must not be connected to."""


class Deadline:
    """A moment on the monotonic clock by which everything must be over."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    @property
    def passed(self) -> bool:
        return time.monotonic() >= self._end

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """What passes meanwhile is not counted: the wait for a turn is nobody's slowness."""
        began = time.monotonic()
        yield
        self._end += time.monotonic() - began

    def cut(self, timeout: float | None) -> float:
        """`timeout`, or what is left where that is less. Raises httpcore2's time-out when nothing is left."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise httpcore2.ReadTimeout("the deadline has passed")
        return left if timeout is None else min(timeout, left)


def resolve(host: str, port: int) -> list[str]:
    """The addresses of `host`, in the system's order."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def connect(address: str, port: int, timeout: float) -> httpcore2.NetworkStream:
    """A TCP connection to `address`, which is an IP address, not a name."""
    return httpcore2.SyncBackend().connect_tcp(address, port, timeout=timeout)


class CheckedBackend(httpcore2.NetworkBackend):
    """httpcore2's edge to the network, with every address checked and every wait cut by the deadline.

    `allow_private` lets every host have a private address, or the one it names.
    """

    def __init__(self, deadline: Deadline, *, allow_private: bool | str, resolve: Resolve, connect: Connect) -> None:
        self._deadline = deadline
        self._allow_private = allow_private
        self._resolve = resolve
        self._connect = connect

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.NetworkStream:
        """A connection to the first address of `host` that answers, when all of them may be connected to."""
        last: Exception = httpcore2.ConnectError(f"{host} has no address")
        for address in self._checked(host, port, self._deadline.cut(timeout)):
            try:
                return _CutStream(self._connect(address, port, self._deadline.cut(timeout)), self._deadline)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                last = error
        raise last

    def _checked(self, host: str, port: int, timeout: float) -> Sequence[str]:
        addresses = _within(timeout, lambda: self._resolve(host.strip("[]"), port), host)
        allowed = self._allow_private in {True, host.strip("[]").lower()}
        for address in addresses:
            if reason := refusal(address, allow_private=allowed):
                hint = "; `allow_private = true` permits it" if "private" in reason and not self._allow_private else ""
                found = address if address == host.strip("[]") else f"{host} leads to {address}, which"
                raise RefusedAddress(f"{found} {reason}{hint}")
        return addresses


def _within(timeout: float, resolve: Callable[[], Sequence[str]], host: str) -> Sequence[str]:
    """What `resolve` returns, waited for `timeout` seconds: the system's resolver knows no time-out of ours."""
    answers: queue.SimpleQueue[Sequence[str] | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(resolve())
        except (OSError, UnicodeError) as error:
            answers.put(error)

    threading.Thread(target=ask, name=f"resolve {host}", daemon=True).start()
    try:
        answer = answers.get(timeout=timeout)
    except queue.Empty:
        raise httpcore2.ConnectTimeout(f"the name {host} was not resolved in time") from None
    if isinstance(answer, Exception):
        raise httpcore2.ConnectError(f"the name {host} cannot be resolved")
    return answer


class _CutStream(httpcore2.NetworkStream):
    """A connection on which no wait outlives the deadline."""

    def __init__(self, stream: httpcore2.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.cut(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.cut(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        return _CutStream(self._stream.start_tls(ssl_context, server_hostname, self._deadline.cut(timeout)), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

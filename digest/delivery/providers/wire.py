"""A connection to a service, on which nothing lasts longer than it was given.

A socket's own time-out is per read: a peer that drips a byte now and then holds it for ever. Every wait here ends
at a wall-clock `Deadline`. Only the name look-up is the operating system's, and has its time-outs.
"""

from __future__ import annotations

import io
import socket
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from digest.delivery.providers.waiting import Until
from digest.delivery.real_time import elapsed

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


_MOST_PIECES = 1000  # Linux, macOS and the BSDs take 1,024 at once


class Deadline:
    """A point in real time, by the clock of the leases; waiting beyond it is a `TimeoutError`."""

    def __init__(self, span: timedelta | float) -> None:
        seconds = span.total_seconds() if isinstance(span, timedelta) else span
        self._ends = elapsed() + seconds

    def remaining(self) -> float:
        """Seconds left, always above zero; `TimeoutError` when none are."""
        left = self._ends - elapsed()
        if left <= 0:
            raise TimeoutError("timed out")
        return left

    def is_over(self) -> bool:
        """Whether no time is left."""
        return elapsed() >= self._ends

    def at_most(self, span: timedelta | float) -> Deadline:
        """The sooner of this deadline and one `span` from now."""
        other = Deadline(span)
        other._ends = min(other._ends, self._ends)
        return other


class Wire:
    """One connection. `deadline` bounds each read and write; whoever uses the wire sets it first.

    It has the few methods that `http.client` asks of a socket.
    """

    def __init__(self, sock: socket.socket, deadline: Deadline) -> None:
        self.deadline = deadline
        self._sock = sock

    @property
    def own_address(self) -> str:
        """The address of our end."""
        return str(self._sock.getsockname()[0])

    @property
    def certificate_expires_at(self) -> datetime | None:
        """When the peer's certificate ends; None without TLS."""
        held = self._sock.getpeercert() if isinstance(self._sock, ssl.SSLSocket) else None
        ends = str(held["notAfter"]) if held else ""
        return datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC) if ends else None

    def secure(self, context: ssl.SSLContext, host: str) -> None:
        """Speak TLS from here on, the peer's certificate checked for `host`."""
        self._sock.settimeout(self.deadline.remaining())
        self._sock = context.wrap_socket(self._sock, server_hostname=host)

    def sendall(self, data: bytes) -> None:
        """Write everything. An `OSError` means that the last byte was not written: the peer cannot have all of it."""
        left = memoryview(data)
        while left:  # `socket.sendall` gives TLS the whole time anew for each record
            self._sock.settimeout(self.deadline.remaining())
            left = left[self._sock.send(left) :]

    def read(self, size: int = 65536) -> bytes:
        """What has come, at most `size` bytes; empty when the peer has ended the connection."""
        self._sock.settimeout(self.deadline.remaining())
        return self._sock.recv(size)

    async def write(self, *pieces: bytes, hint: bytes = b"") -> None:
        """As `sendall` of the pieces one behind the other, waiting as `waiting` says; behind them goes a `hint`, at once.

        What happens to the hint shows when its answer is read: an `OSError` is of the pieces alone.
        """
        data = sum(map(len, pieces))
        whole: tuple[bytes, ...] = (*pieces, hint)
        if len(whole) > _MOST_PIECES or isinstance(self._sock, ssl.SSLSocket):
            whole = (b"".join(whole),)
        written, left = 0, data + len(hint)
        try:
            written = await self._send_some(whole)
            if written < left:
                rest = memoryview(b"".join(whole))
                while written < left:
                    written += await self._send_some((rest[written:],))
        except OSError:
            if written < data:
                raise

    async def hear(self, size: int = 65536) -> bytes:
        """As `read`, waiting as `waiting` says."""
        writing = False
        while True:
            if not (isinstance(self._sock, ssl.SSLSocket) and self._sock.pending()):
                await Until(self._sock.fileno(), writing, self.deadline)
            self._let_nothing_block()
            try:
                return self._sock.recv(size)
            except (BlockingIOError, ssl.SSLWantReadError):
                writing = False
            except ssl.SSLWantWriteError:
                writing = True

    def is_quiet(self) -> bool:
        """Whether the connection is up and nothing has come that nobody asked for; reads such things away."""
        try:
            self._sock.settimeout(0)
            self._sock.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            return True
        except OSError:
            return False
        return False

    async def _send_some(self, pieces: Sequence[bytes | memoryview]) -> int:
        self._let_nothing_block()
        while True:
            self.deadline.remaining()
            try:
                return self._sock.sendmsg(pieces) if len(pieces) > 1 else self._sock.send(pieces[0])
            except (BlockingIOError, ssl.SSLWantWriteError):
                await Until(self._sock.fileno(), True, self.deadline)
            except ssl.SSLWantReadError:
                await Until(self._sock.fileno(), False, self.deadline)

    def _let_nothing_block(self) -> None:
        if self._sock.gettimeout() != 0:
            self._sock.settimeout(0)

    def makefile(self, mode: str = "rb") -> io.BufferedReader:
        """What is read, as a file; the deadline holds for it too."""
        if mode != "rb":
            raise ValueError("a wire is read as bytes")
        return io.BufferedReader(_Reader(self))

    def close(self) -> None:
        """Let go; never raises."""
        try:
            self._sock.close()
        except OSError:
            return


class _Reader(io.RawIOBase):
    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        data = self._wire.read(len(view))
        view[: len(data)] = data
        return len(data)


def dial(host: str, port: int, deadline: Deadline) -> Wire:
    """A new connection; `OSError` says why there is none. Each of a name's addresses gets a fair share of the time."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError(f"{host!r} is not a host name") from error
    refusal = OSError("the name has no address")
    for left, (family, kind, protocol, _, address) in zip(range(len(found), 0, -1), found, strict=True):
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(deadline.remaining() / left)
            sock.connect(address)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            sock.close()
            refusal = error
        else:
            return Wire(sock, deadline)
    raise refusal

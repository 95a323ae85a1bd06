"""A server on loopback, on threads of its own, that leaves nothing behind."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import struct
import time
from threading import Condition, Event, Lock, Thread
from types import TracebackType
from typing import Literal, Self

End = Literal["close", "reset", "silence", "vanish"]
"""How a connection ends: properly, with a reset, by saying nothing more, or by not even reading any more."""


class LoopbackServer:
    """Accepts connections on a free port while it is entered; `serve` has each one on a thread.

    On leaving, every connection is closed and every thread has ended.
    """

    host = "127.0.0.1"

    def __init__(self, tls: ssl.SSLContext | None = None, receive_buffer: int | None = None) -> None:
        self._tls = tls
        self._listener = socket.socket()
        if receive_buffer is not None:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self._listener.bind((self.host, 0))
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        self.lock = Lock()
        self.over = Event()
        self._open: set[socket.socket] = set()
        self._threads: list[Thread] = []
        self._closed: set[int] = set()
        self._changed = Condition()

    def serve(self, connection: socket.socket, number: int) -> None:
        """Speak on one connection, the `number`th, counted from 1; returning closes it."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        self._listener.listen(128)
        self._start(self._accept)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop listening and close every connection; more than once does no harm."""
        self.over.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self.lock:
            open_now = list(self._open)
        for connection in open_now:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in list(self._threads):
            thread.join()

    def wait_until_closed(self, number: int) -> None:
        """Wait until the `number`th connection is closed on our side."""
        with self._changed:
            self._changed.wait_for(lambda: number in self._closed)

    def _start(self, work: object, *arguments: object) -> None:
        thread = Thread(target=work, args=arguments, daemon=True)  # type: ignore[arg-type] # any of our methods
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self.over.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self.lock:
                self.connections += 1
                number = self.connections
                self._open.add(connection)
            self._start(self._hold, connection, number)

    def _hold(self, connection: socket.socket, number: int) -> None:
        raw = connection
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                connection = self.secure(connection, self._tls)
            self.serve(connection, number)
        except OSError:
            pass
        finally:
            with self.lock:
                self._open -= {raw, connection}
            connection.close()
            raw.close()
            with self._changed:
                self._closed.add(number)
                self._changed.notify_all()

    def secure(self, connection: socket.socket, tls: ssl.SSLContext) -> ssl.SSLSocket:
        """The same connection, speaking TLS."""
        secured = tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        with self.lock:
            self._open.add(secured)
        try:
            if self.over.is_set():
                raise OSError("the server is being stopped")
            secured.do_handshake()
        except BaseException:
            with self.lock:
                self._open.discard(secured)
            secured.close()
            raise
        return secured


def reset(connection: socket.socket) -> None:
    """Close with a reset instead of an end."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def say_slowly(connection: socket.socket, data: bytes, seconds: float) -> None:
    """Write, with so many seconds before each byte; stops when the other side has gone."""
    if not seconds:
        connection.sendall(data)
        return
    for byte in data:
        time.sleep(seconds)
        connection.sendall(bytes([byte]))


def finish(connection: socket.socket, end: End) -> None:
    """Let a connection end so; silence lasts until the other side gives up."""
    if end == "reset":
        reset(connection)
    elif end == "silence":
        while connection.recv(65536):
            pass
    elif end == "vanish":
        gone = select.poll()
        gone.register(connection, select.POLLRDHUP)
        gone.poll()

"""A wire to PostgreSQL on loopback that breaks at a chosen COMMIT, before the server hears of it or before its answer is heard."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

_ENOUGH = 65536


class Cutter:
    """Carries bytes between a client and a server's socket, and counts commits of all connections together."""

    def __init__(self, server: Path, database: str) -> None:
        self._server = server
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._at, self._kept = 0, False
        self.commits = 0
        self.cut = False
        host, port = self._listener.getsockname()
        self.url = f"postgresql+psycopg://postgres@{host}:{port}/{database}?sslmode=disable&gssencmode=disable"

    def arm(self, at: int, *, kept: bool) -> None:
        """Break at the commit of this number from now on, counted from 1; `kept`: the server carries it out all the same."""
        self._at, self._kept, self.commits, self.cut = at, kept, 0, False

    def __enter__(self) -> Self:
        threading.Thread(target=self._listen, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._listener.close()
        for each in self._open:
            each.close()

    def _listen(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(str(self._server))
                self._open += [client, server]
                answered = threading.Event()
                muted = threading.Event()
                threading.Thread(target=self._ask, args=(client, server, muted, answered), daemon=True).start()
                threading.Thread(target=_answer, args=(client, server, muted, answered), daemon=True).start()

    def _ask(self, client: socket.socket, server: socket.socket, muted: threading.Event, answered: threading.Event) -> None:
        with suppress(OSError):
            while data := client.recv(_ENOUGH):
                if b"COMMIT" in data and self._breaks():
                    if self._kept:
                        muted.set()
                        server.sendall(data)
                        answered.wait(30)
                    break
                server.sendall(data)
        _hang_up(client, server)

    def _breaks(self) -> bool:
        with self._lock:
            self.commits += 1
            self.cut = self.cut or self.commits == self._at
            return self.commits == self._at


def _answer(client: socket.socket, server: socket.socket, muted: threading.Event, answered: threading.Event) -> None:
    with suppress(OSError):
        while data := server.recv(_ENOUGH):
            if muted.is_set():
                answered.set()
                return
            client.sendall(data)
    _hang_up(client, server)


def _hang_up(*sockets: socket.socket) -> None:
    for each in sockets:
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)

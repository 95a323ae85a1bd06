"""The server's side of an SMTP connection: lines, bodies, and what it does instead of an answer."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import Literal

from digest.testing.loopback import reset


@dataclass(frozen=True, slots=True)
class React:
    """What the sink does instead of its usual answer: say something (a reply, or raw bytes), then perhaps end the connection.

    `end` is "close" or "reset"; without `say` and `end` it stays silent until the other side gives up.
    """

    say: str | bytes | None = None
    end: Literal["close", "reset"] | None = None


SILENCE = React()
CLOSE = React(end="close")
RESET = React(end="reset")


class Over(Exception):
    """The connection has ended."""


class Talk:
    """Lines over a connection."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._heard = b""

    def say(self, *lines: str) -> None:
        if lines:
            self.connection.sendall("".join(f"{line}\r\n" for line in lines).encode())

    def do(self, reaction: React) -> None:
        """React; silence lasts until the other side gives up."""
        if isinstance(reaction.say, bytes):
            self.connection.sendall(reaction.say)
        elif reaction.say is not None:
            self.say(reaction.say)
        if reaction.end == "reset":
            reset(self.connection)
        elif reaction.end is None and reaction.say is not None:
            return
        elif reaction.end is None:
            while self.connection.recv(65536):
                pass
        raise Over

    def line(self) -> str | None:
        while b"\r\n" not in self._heard:
            if not self._more():
                return None
        line, _, self._heard = self._heard.partition(b"\r\n")
        return line.decode("latin-1")

    def peek(self) -> bytes:
        """At least the first bytes of what comes next."""
        if not self._heard and not self._more():
            raise Over
        return self._heard

    def body(self) -> bytes:
        """A message, its dots un-doubled; the connection's end before the final dot leaves nothing of it."""
        while not (self._heard.startswith(b".\r\n") or b"\r\n.\r\n" in self._heard):
            if not self._more():
                raise Over
        if self._heard.startswith(b".\r\n"):
            message, self._heard = b"", self._heard[3:]
        else:
            end = self._heard.index(b"\r\n.\r\n")
            message, self._heard = self._heard[: end + 2], self._heard[end + 5 :]
        return b"\r\n".join(line.removeprefix(b".") for line in message.split(b"\r\n"))

    def _more(self) -> bool:
        data = self.connection.recv(65536)
        self._heard += data
        return bool(data)

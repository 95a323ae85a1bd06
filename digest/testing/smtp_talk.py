"""The server's side of an SMTP connection: lines, bodies, and what it does instead of an answer."""

from __future__ import annotations

import socket
from dataclasses import dataclass

from digest.testing.loopback import End, finish, say_slowly


@dataclass(frozen=True, slots=True)
class React:
    """What the sink does instead of its usual answer: say something (a reply, or raw bytes), then perhaps end the connection.

    Without `say` and `end` it stays silent until the other side gives up. `slowly`: so many seconds before each byte.
    `lost`: at a final dot, the message is thrown away although nobody says so.
    """

    say: str | bytes | None = None
    end: End | None = None
    slowly: float = 0.0
    lost: bool = False

    @property
    def refuses(self) -> bool:
        """Whether it says no: a 4xx or a 5xx."""
        return isinstance(self.say, str) and self.say[:1] in {"4", "5"}


SILENCE = React()
CLOSE = React(end="close")
RESET = React(end="reset")
VANISH = React(end="vanish")


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
        if reaction.say is not None:
            said = reaction.say if isinstance(reaction.say, bytes) else f"{reaction.say}\r\n".encode()
            say_slowly(self.connection, said, reaction.slowly)
            if reaction.end is None:
                return
        finish(self.connection, reaction.end or "silence")
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

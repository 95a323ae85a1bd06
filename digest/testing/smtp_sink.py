"""A small real mail server on loopback that collects mail, and misbehaves as its script says."""

from __future__ import annotations

import base64
import socket
import ssl
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from digest.testing.loopback import LoopbackServer
from digest.testing.smtp_talk import CLOSE, RESET, SILENCE, VANISH, Over, React, Talk

__all__ = ["CLOSE", "RESET", "SILENCE", "VANISH", "Arrived", "Moment", "Now", "React", "Script", "SmtpSink"]

Moment = Literal["connect", "EHLO", "STARTTLS", "AUTH", "RSET", "MAIL", "RCPT", "DATA", "body", "dot", "QUIT"]
"""Where a script may step in: before the greeting, at a command, at the first bytes of a body, at its final dot."""


@dataclass(frozen=True, slots=True)
class Now:
    """What is happening. `message` counts the MAIL commands of all connections from 1, `connection` the connections."""

    moment: str
    connection: int
    message: int
    line: str = ""


Script = Callable[[Now], React | None]
"""None means the usual answer."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """One message that arrived whole, final dot and all.

    `accepted` when the sink said 250 to it; `kept` also when it said nothing that makes sense, unless it was told to lose it.
    """

    mail_from: str
    rcpt_to: str
    message: bytes
    accepted: bool
    kept: bool = True


@dataclass(slots=True)
class _Session:
    number: int
    message: int = 0
    mail_from: str | None = None
    rcpt_to: list[str] = field(default_factory=list)
    authenticated: bool = False
    secure: bool = False


class SmtpSink(LoopbackServer):
    """The sink; a context manager. `script` is a callable, or reactions by moment.

    `login` is what AUTH wants, which is then offered and needed for MAIL. `extensions` is what EHLO offers beside
    STARTTLS (with `starttls`) and AUTH. `tls` speaks TLS from the first byte.
    """

    def __init__(
        self,
        script: Script | Mapping[str, React] | None = None,
        *,
        extensions: Iterable[str] = ("PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES"),
        login: tuple[str, str] | None = None,
        mechanisms: str = "PLAIN LOGIN",
        starttls: ssl.SSLContext | None = None,
        tls: ssl.SSLContext | None = None,
        receive_buffer: int | None = None,
    ) -> None:
        super().__init__(tls, receive_buffer)
        self.arrived: list[Arrived] = []
        self.commands: list[str] = []
        """Every command line of every connection, in the order read."""
        self._script: Script = script if callable(script) else _by_moment(script or {})
        self._extensions, self._login, self._mechanisms = tuple(extensions), login, mechanisms
        self._starttls, self._implicit = starttls, tls is not None
        self._messages = 0

    @property
    def messages(self) -> list[Arrived]:
        """The messages that were accepted."""
        with self.lock:
            return [arrived for arrived in self.arrived if arrived.accepted]

    def serve(self, connection: socket.socket, number: int) -> None:
        """Speak SMTP."""
        session = _Session(number, secure=self._implicit)
        talk = Talk(connection)
        try:
            self._answer(talk, session, "connect", "", "220 sink.example ESMTP")
            while (line := talk.line()) is not None:
                with self.lock:
                    self.commands.append(line)
                talk = self._obey(talk, session, line)
        except Over:
            pass
        finally:
            talk.connection.close()

    def _obey(self, talk: Talk, session: _Session, line: str) -> Talk:
        verb, _, rest = line.partition(" ")
        match verb.upper():
            case "EHLO":
                self._answer(talk, session, "EHLO", line, *self._offers(session))
            case "STARTTLS" if self._starttls is not None and not session.secure:
                return self._secure(talk, session, line, self._starttls)
            case "AUTH" if self._login is not None:
                self._authenticate(talk, session, line, rest)
            case "MAIL" | "RCPT" | "DATA" | "RSET" as command:
                self._transact(talk, session, line, command)
            case "QUIT":
                self._answer(talk, session, "QUIT", line, "221 2.0.0 bye")
                raise Over
            case _:
                talk.say("502 5.5.2 command not implemented")
        return talk

    def _secure(self, talk: Talk, session: _Session, line: str, tls: ssl.SSLContext) -> Talk:
        if not self._answer(talk, session, "STARTTLS", line, "220 2.0.0 go ahead"):
            return talk
        session.secure = True
        return Talk(self.secure(talk.connection, tls))

    def _transact(self, talk: Talk, session: _Session, line: str, command: str) -> None:
        if command == "MAIL":
            self._mail(talk, session, line)
        elif command == "RSET":
            self._forget(session)
            self._answer(talk, session, "RSET", line, "250 2.0.0 ok")
        elif command == "RCPT" and session.mail_from is not None:
            if self._answer(talk, session, "RCPT", line, "250 2.1.5 ok"):
                session.rcpt_to.append(_path(line))
        elif command == "DATA" and session.rcpt_to:
            if self._answer(talk, session, "DATA", line, "354 go ahead"):
                self._body(talk, session)
        else:
            talk.say("503 5.5.1 bad sequence of commands")

    def _mail(self, talk: Talk, session: _Session, line: str) -> None:
        with self.lock:
            self._messages += 1
            session.message = self._messages
        if self._login is not None and not session.authenticated:
            talk.say("530 5.7.0 authentication required")
        elif session.mail_from is not None:
            talk.say("503 5.5.1 nested MAIL")
        elif self._answer(talk, session, "MAIL", line, "250 2.1.0 ok"):
            session.mail_from = _path(line)

    def _body(self, talk: Talk, session: _Session) -> None:
        first = talk.peek()
        self._answer(talk, session, "body", first.decode("latin-1"))
        message = talk.body()
        reaction = self._script(Now("dot", session.number, session.message))
        accepted = reaction is None or str(reaction.say or "").startswith("250")
        kept = reaction is None or not (reaction.refuses or reaction.lost)
        sender = session.mail_from or ""
        with self.lock:
            self.arrived += [Arrived(sender, address, message, accepted, kept) for address in session.rcpt_to]
        number = session.message
        self._forget(session)
        if reaction is None:
            talk.say(f"250 2.0.0 ok: queued as Q{number}")
        else:
            talk.do(reaction)

    def _answer(self, talk: Talk, session: _Session, moment: str, line: str, *usual: str) -> bool:
        """Whether the answer was the usual one."""
        reaction = self._script(Now(moment, session.number, session.message, line))
        if reaction is None:
            talk.say(*usual)
            return True
        talk.do(reaction)
        return False

    def _offers(self, session: _Session) -> list[str]:
        offers = ["sink.example", *self._extensions]
        if self._starttls is not None and not session.secure:
            offers.append("STARTTLS")
        if self._login is not None:
            offers.append(f"AUTH {self._mechanisms}")
        return [f"250{' ' if offer is offers[-1] else '-'}{offer}" for offer in offers]

    def _authenticate(self, talk: Talk, session: _Session, line: str, rest: str) -> None:
        reaction = self._script(Now("AUTH", session.number, session.message, line))
        if reaction is not None:
            talk.do(reaction)
            return
        if rest.upper().startswith("PLAIN "):
            _, username, password = _decode(rest[6:]).split("\0")
        else:
            talk.say("334 VXNlcm5hbWU6")
            username = _decode(talk.line() or "")
            talk.say("334 UGFzc3dvcmQ6")
            password = _decode(talk.line() or "")
        session.authenticated = (username, password) == self._login
        talk.say("235 2.7.0 welcome" if session.authenticated else f"535 5.7.8 wrong login {username} {password} {rest}")

    def _forget(self, session: _Session) -> None:
        session.mail_from, session.rcpt_to = None, []


def _by_moment(reactions: Mapping[str, React]) -> Script:
    return lambda now: reactions.get(now.moment)


def _path(line: str) -> str:
    return line.partition("<")[2].rpartition(">")[0]


def _decode(value: str) -> str:
    return base64.b64decode(value).decode()

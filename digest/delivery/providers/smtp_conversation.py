"""One SMTP connection: what is said, what is heard, and where it halts.

RFC 5321; STARTTLS RFC 3207; AUTH RFC 4954; PIPELINING RFC 2920. Nothing here retries or decides what a reply means.
"""

from __future__ import annotations

import base64
import re
import socket
import ssl
from datetime import timedelta

from digest.delivery.providers.answer import Outcome, Trouble
from digest.delivery.providers.smtp_answers import (
    Phase,
    Reply,
    Verdict,
    goes_on,
    is_wanted,
    judge_reply,
    judge_silence,
    read_reply,
)
from digest.delivery.providers.smtp_transaction import Transaction
from digest.delivery.providers.wire import Deadline, Wire
from digest.delivery.providers.wording import explain

_LONGEST_LINE = 8192
_MOST_LINES = 200
_WHOLE_NAME = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


class Halt(Exception):
    """The conversation cannot go on as it was meant to; `usable` tells whether another one may begin on this connection."""

    def __init__(self, phase: Phase, verdict: Verdict, words: str, *, usable: bool) -> None:
        super().__init__(f"{phase}: {words}")
        self.phase, self.verdict, self.usable = phase, verdict, usable


class Stale(Halt):
    """Nothing was answered to the first command of a transaction: the relay had let the connection go."""


class Conversation:
    """One connection to a relay, spoken to in turn."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._heard = bytearray()
        self._features: dict[str, str] = {}
        self._unfinished = False

    @property
    def features(self) -> frozenset[str]:
        """The extensions the relay offers."""
        return frozenset(self._features)

    def greet(self, own_name: str | None) -> None:
        """Wait for the greeting and introduce ourselves."""
        self.expect(Phase.GREETING)
        self.introduce(own_name)

    def introduce(self, own_name: str | None) -> None:
        """EHLO; what the relay offered before is forgotten."""
        reply = self._ask(Phase.EHLO, f"EHLO {own_name or self._own_name()}")
        offers = (line.replace("AUTH=", "AUTH ", 1).split(None, 1) for line in reply.text.split("\n")[1:])
        self._features = {}
        for name, *rest in filter(None, offers):
            known = self._features.get(name.upper(), "")
            self._features[name.upper()] = " ".join([known, *rest]).strip()

    def log_in(self, username: str, password: str) -> None:
        """AUTH, by PLAIN or LOGIN. The caller has made sure that nobody listens."""
        mechanisms = self._features.get("AUTH", "").upper().split()
        if "PLAIN" in mechanisms:
            self._ask(Phase.AUTH, "AUTH PLAIN " + encode(f"\0{username}\0{password}"))
        elif "LOGIN" in mechanisms:
            self._answer_challenge("AUTH LOGIN")
            self._answer_challenge(encode(username))
            self._ask(Phase.AUTH, encode(password))
        else:
            raise Halt(
                Phase.AUTH, Verdict(Outcome.DEFERRED, Trouble.ACCOUNT), "the relay offers neither PLAIN nor LOGIN", usable=False
            )

    def carry(self, transaction: Transaction, before_dot: Deadline, answer_within: timedelta) -> Reply:
        """One message; the reply to its final dot, or a `Halt`."""
        self._wire.deadline = before_dot
        commands = [
            (Phase.RSET, "RSET"),
            (Phase.MAIL, f"MAIL FROM:<{transaction.mail_from}>"),
            (Phase.RCPT, f"RCPT TO:<{transaction.rcpt_to}>"),
            (Phase.DATA, "DATA"),
        ]
        self._negotiate(commands if self._unfinished else commands[1:])
        if self._heard:
            raise self._silence(Phase.DATA, "the relay said more than it was asked")
        try:
            self._wire.sendall(transaction.body)
        except OSError as error:
            raise self._silence(Phase.DATA, f"while the body was written: {explain(error)}") from error
        self._wire.deadline = Deadline(answer_within)
        reply = self.expect(Phase.DOT)
        self._unfinished = False
        return reply

    def expect(self, phase: Phase) -> Reply:
        """The reply on which the conversation goes on; any other is a `Halt`."""
        try:
            reply = self._hear()
        except OSError as error:
            raise self._silence(phase, explain(error)) from error
        if not is_wanted(phase, reply):
            raise Halt(phase, judge_reply(phase, reply), str(reply), usable=reply.code not in {0, 421})
        return reply

    def secure(self, context: ssl.SSLContext, host: str) -> None:
        """STARTTLS. What was heard before the handshake could come from anybody, so there may be nothing of it."""
        self._ask(Phase.STARTTLS, "STARTTLS")
        if self._heard:
            raise self._silence(Phase.STARTTLS, "the relay said more before TLS than it was asked")
        try:
            self._wire.secure(context, host)
        except (OSError, ValueError) as error:
            raise self._silence(Phase.STARTTLS, explain(error)) from error

    def is_quiet(self) -> bool:
        """Whether the relay is there and has said nothing on its own, such as a 421 before it leaves."""
        return not self._heard and self._wire.is_quiet()

    def close(self) -> None:
        """Let go, with a QUIT where the connection still bears one; never raises."""
        try:
            self._wire.deadline = Deadline(1)
            self._wire.sendall(b"QUIT\r\n")
            self._wire.read()
        except OSError:
            pass
        finally:
            self._wire.close()

    def drop(self) -> None:
        """Let go without a word; never raises."""
        self._wire.close()

    def _negotiate(self, commands: list[tuple[Phase, str]]) -> None:
        """Everything before the body; written at once where the relay offers that."""
        self._unfinished = True
        at_once = "PIPELINING" in self._features
        first = commands[0][0]
        if at_once:
            self._say(first, *(line for _, line in commands))
        for number, (phase, line) in enumerate(commands, 1):
            if not at_once:
                self._say(phase, line)
            try:
                self.expect(phase)
            except Halt as halt:
                if at_once:
                    halt.usable = halt.usable and self._hear_out(len(commands) - number)
                raise

    def _hear_out(self, replies: int) -> bool:
        """Read the replies still to come after a refusal; False when one of them wants the body all the same."""
        try:
            return all(self._hear().code not in {0, 354, 421} for _ in range(replies))
        except OSError:
            return False

    def _ask(self, phase: Phase, line: str) -> Reply:
        self._say(phase, line)
        return self.expect(phase)

    def _answer_challenge(self, line: str) -> None:
        self._say(Phase.AUTH, line)
        try:
            reply = self._hear()
        except OSError as error:
            raise self._silence(Phase.AUTH, explain(error)) from error
        if reply.code != 334:
            raise Halt(Phase.AUTH, judge_reply(Phase.AUTH, reply), str(reply), usable=False)

    def _say(self, phase: Phase, *lines: str) -> None:
        try:
            self._wire.sendall("".join(f"{line}\r\n" for line in lines).encode("ascii"))
        except OSError as error:
            raise self._silence(phase, explain(error)) from error

    def _silence(self, phase: Phase, words: str) -> Halt:
        kind = Stale if phase in {Phase.RSET, Phase.MAIL} else Halt
        return kind(phase, judge_silence(phase), words, usable=False)

    def _hear(self) -> Reply:
        lines = [self._line()]
        while goes_on(lines[-1]):
            if len(lines) == _MOST_LINES:
                return Reply(0)
            lines.append(self._line())
        return read_reply(lines)

    def _line(self) -> bytes:
        while (end := self._heard.find(b"\n")) < 0:
            if len(self._heard) > _LONGEST_LINE:
                return b""  # no reply is that long
            data = self._wire.read()
            if not data:
                raise ConnectionError("the connection was closed")
            self._heard += data
        line = bytes(self._heard[:end])
        del self._heard[: end + 1]
        return line.removesuffix(b"\r")

    def _own_name(self) -> str:
        """This machine's name where it is a whole one, else its address (RFC 5321 4.1.4); no look-up, which could take long."""
        name, address = socket.gethostname(), self._wire.own_address
        if _WHOLE_NAME.fullmatch(name):
            return name
        return f"[IPv6:{address}]" if ":" in address else f"[{address}]"


def encode(secret: str) -> str:
    """Base64 of UTF-8, as AUTH wants it."""
    return base64.b64encode(secret.encode()).decode("ascii")

"""One SMTP connection: what is said, what is heard, and where it halts.

RFC 5321; STARTTLS RFC 3207; AUTH RFC 4954; PIPELINING RFC 2920. Nothing here retries or decides what a reply means, and
nothing here blocks: it waits as `waiting` says.
"""

from __future__ import annotations

import base64
import re
import socket
import ssl
from collections.abc import Sequence
from datetime import datetime, timedelta

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
from digest.delivery.providers.smtp_transaction import Path, Transaction
from digest.delivery.providers.waiting import Aside, run
from digest.delivery.providers.wire import Deadline, Wire
from digest.delivery.providers.wording import explain

_LONGEST_LINE = 8192
_MOST_LINES = 200
_READ = 4096  # bytes: a reply is shorter, and room for more has to be made each time
_LONG = 1.0  # seconds for which no relay minds that nothing comes
_ENVELOPE = (Phase.MAIL, Phase.RCPT, Phase.DATA)
_GO_AHEAD = re.compile(rb"250 [^\r\n]*\r\n25[01] [^\r\n]*\r\n354 [^\r\n]*\r\n")  # to a whole envelope, and nothing more
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
        self._in_body = False
        self._announced: Path | None = None
        self._fresh = Deadline(0)  # until when an announced envelope is so young that the relay surely waits for its body

    @property
    def features(self) -> frozenset[str]:
        """The extensions the relay offers."""
        return frozenset(self._features)

    @property
    def certificate_expires_at(self) -> datetime | None:
        """When the relay's certificate ends; None without TLS."""
        return self._wire.certificate_expires_at

    async def greet(self, own_name: str | None) -> None:
        """Wait for the greeting and introduce ourselves."""
        await self.expect(Phase.GREETING)
        await self.introduce(own_name)

    async def introduce(self, own_name: str | None) -> None:
        """EHLO; what the relay offered before is forgotten."""
        reply = await self._ask(Phase.EHLO, f"EHLO {own_name or self._own_name()}")
        offers = (line.replace("AUTH=", "AUTH ", 1).split(None, 1) for line in reply.text.split("\n")[1:])
        self._features = {}
        for name, *rest in filter(None, offers):
            known = self._features.get(name.upper(), "")
            self._features[name.upper()] = " ".join([known, *rest]).strip()

    async def log_in(self, username: str, password: str) -> None:
        """AUTH, by PLAIN or LOGIN. The caller has made sure that nobody listens."""
        mechanisms = self._features.get("AUTH", "").upper().split()
        if "PLAIN" in mechanisms:
            await self._ask(Phase.AUTH, "AUTH PLAIN " + encode(f"\0{username}\0{password}"))
        elif "LOGIN" in mechanisms:
            await self._answer_challenge("AUTH LOGIN")
            await self._answer_challenge(encode(username))
            await self._ask(Phase.AUTH, encode(password))
        else:
            raise Halt(
                Phase.AUTH, Verdict(Outcome.DEFERRED, Trouble.ACCOUNT), "the relay offers neither PLAIN nor LOGIN", usable=False
            )

    async def carry(
        self, transaction: Transaction, before_dot: Deadline, answer_within: timedelta, ahead: Path | None = None
    ) -> Reply:
        """One message; the reply to its final dot, or a `Halt`.

        Where the relay offers PIPELINING, the envelope of the message `ahead` is written behind the dot (RFC 2920, 3.1), and
        the next call must be for that one.
        """
        self._wire.deadline = before_dot
        if self._announced is None:
            await self._negotiate(transaction.path)
        else:
            await self._take_up()
        if self._heard:
            raise self._silence(Phase.DATA, "the relay said more than it was asked")
        self._announced = ahead if "PIPELINING" in self._features else None
        self._in_body = True
        try:
            if self._announced is None:
                await self._wire.write(*transaction.body)
            else:
                self._fresh = Deadline(_LONG)
                await self._wire.write(*transaction.body, hint=self._announced.at_once)
        except OSError as error:
            raise self._silence(Phase.DATA, f"while the body was written: {explain(error)}") from error
        self._wire.deadline, self._in_body = Deadline(answer_within), False
        reply = await self.expect(Phase.DOT)
        self._unfinished = False
        return reply

    async def expect(self, phase: Phase) -> Reply:
        """The reply on which the conversation goes on; any other is a `Halt`."""
        try:
            reply = await self._hear()
        except OSError as error:
            raise self._silence(phase, explain(error)) from error
        if not is_wanted(phase, reply):
            raise Halt(phase, judge_reply(phase, reply), str(reply), usable=reply.code not in {0, 421})
        return reply

    async def secure(self, context: ssl.SSLContext, host: str) -> None:
        """STARTTLS. What was heard before the handshake could come from anybody, so there may be nothing of it."""
        await self._ask(Phase.STARTTLS, "STARTTLS")
        if self._heard:
            raise self._silence(Phase.STARTTLS, "the relay said more before TLS than it was asked")
        try:
            await Aside(lambda: self._wire.secure(context, host))
        except (OSError, ValueError) as error:
            raise self._silence(Phase.STARTTLS, explain(error)) from error

    def is_ready_for(self, path: Path) -> bool:
        """Whether this message may be the next: it was announced; or none was, and the relay is there and has said nothing
        on its own, such as a 421 before it leaves."""
        if self._announced is not None:
            return self._announced == path
        return not self._heard and self._wire.is_quiet()

    def close(self) -> None:
        """Let go, with a QUIT where the connection still bears one; never raises."""
        if self._announced is not None or self._in_body:  # the relay waits for a body, and would take QUIT for a line of it
            self.drop()
            return
        try:
            self._wire.deadline = Deadline(1)
            run(self._wire.write(b"QUIT\r\n"))
            run(self._wire.hear())
        except OSError:
            pass
        finally:
            self._wire.close()

    def drop(self) -> None:
        """Let go without a word; never raises."""
        self._wire.close()

    async def _negotiate(self, path: Path) -> None:
        """Everything before the body; written at once where the relay offers that."""
        envelope = [*zip(_ENVELOPE, path.commands, strict=True)]
        commands = [(Phase.RSET, "RSET"), *envelope] if self._unfinished else envelope
        self._unfinished = True
        at_once = "PIPELINING" in self._features
        if at_once:
            await self._say(commands[0][0], *(line for _, line in commands))
            await self._hear_of(*(phase for phase, _ in commands))
            return
        for phase, line in commands:
            await self._say(phase, line)
            await self.expect(phase)

    async def _take_up(self) -> None:
        """Hear of the envelope that was announced. Whatever is wrong with the connection, it is as if it had not been."""
        self._unfinished, self._announced = True, None
        try:
            await self._hear_of(*_ENVELOPE)
        except Halt as halt:
            if halt.verdict == judge_silence(halt.phase):
                raise Stale(halt.phase, halt.verdict, "the relay let go of what was announced", usable=False) from halt
            raise
        if self._heard or (self._fresh.is_over() and not self._wire.is_quiet()):
            raise Stale(Phase.DATA, judge_silence(Phase.DATA), "the relay would wait no longer for the body", usable=False)

    async def _hear_of(self, *phases: Phase) -> None:
        """The replies to commands that were written at once."""
        if phases == _ENVELOPE and _GO_AHEAD.fullmatch(self._heard):
            self._heard.clear()
            return
        for number, phase in enumerate(phases, 1):
            try:
                await self.expect(phase)
            except Halt as halt:
                halt.usable = halt.usable and await self._hear_out(len(phases) - number)
                raise

    async def _hear_out(self, replies: int) -> bool:
        """Read the replies still to come after a refusal; False when one of them wants the body all the same."""
        try:
            for _ in range(replies):
                if (await self._hear()).code in {0, 354, 421}:
                    return False
        except OSError:
            return False
        return True

    async def _ask(self, phase: Phase, line: str) -> Reply:
        await self._say(phase, line)
        return await self.expect(phase)

    async def _answer_challenge(self, line: str) -> None:
        await self._say(Phase.AUTH, line)
        try:
            reply = await self._hear()
        except OSError as error:
            raise self._silence(Phase.AUTH, explain(error)) from error
        if reply.code != 334:
            raise Halt(Phase.AUTH, judge_reply(Phase.AUTH, reply), str(reply), usable=False)

    async def _say(self, phase: Phase, *lines: str) -> None:
        try:
            await self._wire.write(_written(lines))
        except OSError as error:
            raise self._silence(phase, explain(error)) from error

    def _silence(self, phase: Phase, words: str) -> Halt:
        kind = Stale if phase in {Phase.RSET, Phase.MAIL} else Halt
        return kind(phase, judge_silence(phase), words, usable=False)

    async def _hear(self) -> Reply:
        lines = [await self._line()]
        while lines[-1][3:4] == b"-" and goes_on(lines[-1]):
            if len(lines) == _MOST_LINES:
                return Reply(0)
            lines.append(await self._line())
        return read_reply(lines)

    async def _line(self) -> bytes:
        while (end := self._heard.find(b"\n")) < 0:
            if len(self._heard) > _LONGEST_LINE:
                return b""  # no reply is that long
            data = await self._wire.hear(_READ)
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


def _written(lines: Sequence[str]) -> bytes:
    return "".join(f"{line}\r\n" for line in lines).encode("ascii")


def encode(secret: str) -> str:
    """Base64 of UTF-8, as AUTH wants it."""
    return base64.b64encode(secret.encode()).decode("ascii")

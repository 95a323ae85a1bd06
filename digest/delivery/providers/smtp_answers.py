"""What a relay's reply means: pure rules, by the phase of the conversation it came in.

The classes are those of `docs/providers/smtp.md`. Sources: RFC 5321 section 4.2, RFC 3463 (enhanced codes), RFC 4954
(authentication), RFC 1047 (why silence after the final dot is not a failure).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from digest.delivery.providers.answer import Outcome, Trouble

_ENHANCED = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?!\S)")
_LINE = re.compile(rb"([2-5]\d\d)(?:([ -])(.*))?", re.DOTALL)
_ONLY_LINE = re.compile(rb"([2-5]\d\d) (.*)", re.DOTALL)  # as nearly all are


class Phase(StrEnum):
    """Where in the conversation a reply is waited for."""

    CONNECT = "connecting"
    GREETING = "greeting"
    EHLO = "EHLO"
    STARTTLS = "STARTTLS"
    AUTH = "AUTH"
    RSET = "RSET"
    MAIL = "MAIL FROM"
    RCPT = "RCPT TO"
    DATA = "DATA"
    DOT = "final dot"


_OPENING = frozenset({Phase.CONNECT, Phase.GREETING, Phase.EHLO, Phase.STARTTLS, Phase.AUTH})
_WANTED = {
    Phase.GREETING: (220,),
    Phase.EHLO: (250,),
    Phase.STARTTLS: (220,),
    Phase.AUTH: (235,),
    Phase.RSET: (250,),
    Phase.MAIL: (250,),
    Phase.RCPT: (250, 251),
    Phase.DATA: (354,),
    Phase.DOT: (250,),
}
_CREDENTIALS = frozenset({530, 534, 535, 538})


@dataclass(slots=True)  # one for each message: frozen, it takes four times as long to make
class Reply:
    """One reply. `code` is 0 when what came was no reply at all; `text` is without the codes of its lines."""

    code: int
    text: str = ""

    def __str__(self) -> str:
        return f"{self.code} {self.text}".strip() if self.code else "an answer that makes no sense"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a reply, or its absence, means for the envelope and for those after it; `crowded`: for those to the same domain."""

    outcome: Outcome
    trouble: Trouble | None = None
    crowded: bool = False


def read_reply(lines: list[bytes]) -> Reply:
    """The reply that `lines` are, without their line ends; code 0 for what is none, such as lines with different codes."""
    if len(lines) == 1 and (only := _ONLY_LINE.fullmatch(lines[0])) is not None:
        return Reply(int(only[1]), only[2].decode("utf-8", "replace"))
    found = [_LINE.fullmatch(line) for line in lines]
    codes = {match[1] if match else b"0" for match in found}
    if len(codes) != 1 or codes == {b"0"}:
        return Reply(0)
    return Reply(int(codes.pop()), "\n".join((match[3] or b"").decode("utf-8", "replace") for match in found if match))


def goes_on(line: bytes) -> bool:
    """Whether another line of the same reply follows."""
    match = _LINE.fullmatch(line)
    return match is not None and match[2] == b"-"


def is_wanted(phase: Phase, reply: Reply) -> bool:
    """Whether the reply is the one on which the conversation goes on."""
    return reply.code in _WANTED.get(phase, ())


def judge_reply(phase: Phase, reply: Reply) -> Verdict:
    """What the reply to the final dot means, or one on which the conversation cannot go on."""
    if phase is Phase.DOT and is_wanted(phase, reply):
        return Verdict(Outcome.ACCEPTED)
    if reply.code // 100 == 4:
        trouble = _trouble_of_4xx(phase, reply)
        return Verdict(Outcome.DEFERRED, trouble, crowded=trouble is None and (reply.code == 451 or _subject(reply) == 7))
    if reply.code // 100 == 5:
        return _judge_5xx(phase, reply)
    return judge_silence(phase)


def judge_silence(phase: Phase) -> Verdict:
    """What it means when the connection is lost, time runs out, or nonsense comes, instead of a reply."""
    if phase is Phase.DOT:
        return Verdict(Outcome.UNKNOWN)
    return Verdict(Outcome.DEFERRED, Trouble.CONNECTION)


def _judge_5xx(phase: Phase, reply: Reply) -> Verdict:
    if phase in {Phase.STARTTLS, Phase.RSET}:
        return Verdict(Outcome.DEFERRED, Trouble.CONNECTION)
    if phase in _OPENING or phase is Phase.MAIL or (reply.code in _CREDENTIALS and phase is not Phase.DOT):
        return Verdict(Outcome.DEFERRED, Trouble.ACCOUNT)
    if phase is Phase.RCPT or _subject(reply) in {1, 2}:
        return Verdict(Outcome.REJECTED)
    return Verdict(Outcome.DEFERRED, Trouble.CONTENT)


def _trouble_of_4xx(phase: Phase, reply: Reply) -> Trouble | None:
    """A relay that is busy is everybody's trouble; a mailbox that is, is its own."""
    if reply.code == 421 or phase is Phase.MAIL or (phase not in _OPENING and _subject(reply) == 3):
        return Trouble.THROTTLED
    if phase in _OPENING:
        return Trouble.CONNECTION
    return None


def _subject(reply: Reply) -> int | None:
    """The second figure of the enhanced code, where there is one of the same class: 1 address, 2 mailbox, 3 system, ..."""
    found = _ENHANCED.match(reply.text)
    return int(found[2]) if found and int(found[1]) == reply.code // 100 else None

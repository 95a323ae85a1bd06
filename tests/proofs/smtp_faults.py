"""What a mail relay can do wrong at every phase of a conversation, and when it does: at the first message, three times in a
row from a middle one on, and at the last."""

from __future__ import annotations

from dataclasses import dataclass, field

from digest.testing.smtp_sink import CLOSE, RESET, SILENCE, VANISH, Now, React, SmtpSink

PEOPLE = 9
MIDDLE, ROW = 3, 3
_SLOW = 0.25  # seconds before each byte; no answer is as short as to come through in time
_TAKEN = b"250 2.0.0 ok\r\n"

ANSWERS: dict[str, React] = {
    "reset": RESET,
    "closed": CLOSE,
    "silence": SILENCE,
    "vanished": VANISH,
    "421": React("421 4.3.2 shutting down", end="close"),
    "4xx": React("451 4.3.0 try again later"),
    "5xx": React("554 5.6.0 not this"),
    "5xx for the address's sake": React("550 5.1.1 no such user"),
    "nonsense": React(b"\x00\xff what\r\n"),
    "half an answer, closed": React(b"25", end="close"),
    "half an answer, reset": React(b"25", end="reset"),
    "half an answer, silence": React(b"25", end="silence"),
    "dripping": React(b"250 2.0.0 it is well, go on\r\n", slowly=_SLOW),
}
LOST = {  # at the final dot: the relay died with the message in its hands
    "reset, and lost": React(end="reset", lost=True),
    "closed, and lost": React(end="close", lost=True),
}
BETWEEN = {  # the answer to the final dot is right, and then
    "reset": React(_TAKEN, end="reset"),
    "closed": React(_TAKEN, end="close"),
    "silence": React(_TAKEN, end="silence"),
    "vanished": React(_TAKEN, end="vanish"),
    "421": React(_TAKEN + b"421 4.3.2 shutting down\r\n", end="close"),
    "nonsense": React(_TAKEN + b"\x00\xff what\r\n"),
}
PHASES = ("connect", "EHLO", "RSET", "MAIL", "RCPT", "DATA", "body", "dot", "QUIT")


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault at one phase."""

    phase: str
    kind: str
    react: React

    def __str__(self) -> str:
        return f"{self.phase}: {self.kind}"

    @property
    def least(self) -> int:
        """How often it comes about at least: a RSET needs somebody to follow, and who is last is not known where some are in doubt."""
        return {"QUIT": 1, "RSET": 2, "body": 2, "between": 2}.get(self.phase, 3)

    @property
    def doubtful(self) -> bool:
        """Whether nobody can know what became of the message."""
        return self.phase == "dot" and not self.react.refuses

    @property
    def perhaps_doubtful(self) -> bool:
        """Whether it depends on what the network had carried by then."""
        return self.phase in {"body", "between"}

    @property
    def row(self) -> int:
        """How often in a row it comes about in the middle; what has to be waited for, once."""
        return 1 if self.react.slowly or self.react == SILENCE or self.react.end in {"silence", "vanish"} else ROW

    @property
    def rejects(self) -> bool:
        """Whether it ends a delivery."""
        said = str(self.react.say)
        return (self.phase == "RCPT" and said[:1] == "5") or (self.phase in {"DATA", "dot"} and said.startswith("550 5.1.1"))


def every_fault() -> list[Fault]:
    """Every kind at every phase."""
    faults = [Fault(phase, kind, _ended(phase, react)) for phase in PHASES for kind, react in ANSWERS.items()]
    faults += [Fault("dot", kind, react) for kind, react in LOST.items()]
    return faults + [Fault("between", kind, react) for kind, react in BETWEEN.items()]


def _ended(phase: str, react: React) -> React:
    """Whoever answers in the middle of a body reads no more of it."""
    if phase != "body" or react.end is not None or react.say is None:
        return react
    return React(react.say, end="close", slowly=react.slowly)


@dataclass(slots=True)
class Unreliable:
    """The script of a relay that does one thing wrong, each time the place for it has come."""

    fault: Fault
    sink: SmtpSink = field(init=False)
    run: int = 0
    fired: int = 0
    _rejected: int = 0
    _fell: set[str] = field(default_factory=set)
    _row: tuple[int, int] | None = None  # the run in which it went wrong several times, and how often so far
    _primed: bool = False

    def __post_init__(self) -> None:
        # A window that holds less than a body, where one has to stay unread.
        self.sink = SmtpSink(self, receive_buffer=4096 if self.fault.phase == "body" else None)

    def begin(self) -> None:
        """A run begins."""
        self.run += 1

    def __call__(self, now: Now) -> React | None:
        phase = self.fault.phase
        if phase == "RSET":
            return self._at_reset(now)
        if now.moment == ("dot" if phase == "between" else phase) and self._is_time():
            return self._fire()
        if phase in {"connect", "EHLO"} and now.moment == "dot":
            return React(_TAKEN, end="close")  # so that there is a next connection
        return None

    def _at_reset(self, now: Now) -> React | None:
        """Who was refused at RCPT is followed by a RSET."""
        if now.moment == "RCPT" and not self._primed and self._is_time():
            self._primed = True
            return React("450 4.2.1 mailbox busy")
        if now.moment == "RSET" and self._primed:
            self._primed = False
            return self._fire()
        return None

    def _fire(self) -> React:
        self.fired += 1
        self._rejected += self.fault.rejects
        return self.fault.react

    def _is_time(self) -> bool:
        if self.fault.phase == "QUIT":
            return True
        with self.sink.lock:
            done = len([one for one in self.sink.arrived if one.kept or self.fault.react.lost]) + self._rejected
        last = PEOPLE - (2 if self.fault.phase == "RSET" else 1)  # RSET comes with somebody else's message
        if done == 0 and "first" not in self._fell:
            self._fell.add("first")
            return True
        if done >= last and "last" not in self._fell:
            self._fell.add("last")
            return True
        if not MIDDLE <= done < last:
            return False
        if self._row is None:
            self._row = (self.run, 0)
        run, times = self._row
        if run != self.run or times == self.fault.row:
            return False
        self._row = (run, times + 1)
        return True

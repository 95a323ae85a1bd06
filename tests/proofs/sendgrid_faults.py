"""What a web API can do wrong at every phase of a request, and when it does: at the first one, three times in a row from a
middle one on, and at the last."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from digest.testing.http_stub import EarlyMoment
from digest.testing.loopback import End
from digest.testing.sendgrid_stub import Request, Respond, SendGridStub, errors
from tests.proofs.ground import KEY

PEOPLE = 9
MIDDLE, ROW = 3, 3
_SLOW = 0.25  # seconds before each byte; no answer is as short as to come through in time
_OK = b"HTTP/1.1 202 Accepted\r\nX-Message-Id: m\r\nContent-Length: "
_ENDS: tuple[End, ...] = ("reset", "close", "silence", "vanish")
_STATUSES = (200, 301, 400, 401, 403, 404, 413, 415, 429, 500, 502, 503, 504)
_DOUBTFUL = frozenset({200, 301, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault at one phase. `doubtful`: nobody can know what became of the request; None: it depends on what the
    network had carried by then."""

    phase: str
    kind: str
    respond: Respond
    doubtful: bool | None = False
    rejects: bool = False

    @property
    def row(self) -> int:
        """How often in a row it comes about in the middle; what has to be waited for, once."""
        return 1 if self.respond.slowly or self.respond.end in {"silence", "vanish"} else ROW

    @property
    def least(self) -> int:
        """How often it comes about at least: who is last is not known where some are in doubt."""
        return 2 if self.doubtful is None else 3

    def __str__(self) -> str:
        return f"{self.phase}: {self.kind}"


def every_fault() -> list[Fault]:
    """Every kind at every phase."""
    return [*_early(), *_instead_of_an_answer(), *_in_an_answer(), *_statuses()]


def _early() -> list[Fault]:
    """Before the whole request was read: nothing of it can have been taken."""
    kinds: dict[str, Respond] = {end: Respond(end=end) for end in _ENDS}
    kinds |= {str(status): Respond(status, end="close") for status in (400, 401, 413, 429, 500, 503)}
    kinds["nonsense"] = Respond(raw=b"\x00\xff what\r\n\r\n", end="close")
    return [Fault(phase, kind, respond, None) for phase in ("connect", "head", "body") for kind, respond in kinds.items()]


def _instead_of_an_answer() -> list[Fault]:
    faults = [Fault("no answer", end, Respond(end=end), doubtful=True) for end in _ENDS]
    return faults + [_taken(fault) for fault in faults]


def _in_an_answer() -> list[Fault]:
    """Answers that break off. What was taken is in doubt where the status line is not whole."""
    ends: tuple[End, ...] = ("reset", "close", "silence")
    broken: dict[str, tuple[bytes, bool | None]] = {
        "half of the status line": (b"HTTP/1.1 2", True),
        "half of the headers": (b"HTTP/1.1 202 Accepted\r\nX-Mess", None),
        "half of the body": (_OK + b"100\r\n\r\nhalf", None),
        "between": (_OK + b"0\r\n\r\n", None),
    }
    faults = [
        Fault(phase, end, Respond(raw=raw, end=end, taken=True), doubtful)
        for phase, (raw, doubtful) in broken.items()
        for end in ends
    ]
    refusal = b'HTTP/1.1 400 Bad\r\nContent-Length: 500\r\n\r\n{"errors": [{"mess'
    nonsense = Respond(raw=b"\x00\xff what\r\n\r\n", end="close", taken=True)
    dripping = Respond(raw=_OK + b"0\r\n\r\n", slowly=_SLOW, taken=True)
    return [
        *faults,
        Fault("half of the body", "of a refusal", Respond(raw=refusal, end="close")),
        Fault("answer", "nonsense", nonsense, doubtful=True),
        Fault("answer", "dripping", dripping, doubtful=True),
    ]


def _statuses() -> list[Fault]:
    faults = [Fault("answer", str(status), Respond(status), status in _DOUBTFUL) for status in _STATUSES]
    faults += [_taken(fault) for fault in faults if fault.doubtful]
    named = errors(("personalizations.0.to.0.email", "Does not contain a valid address."))
    throttled = Respond(429, headers={"Retry-After": "1"})
    return [
        *faults,
        Fault("answer", "400 that names an address", named, rejects=True),
        Fault("answer", "429 with Retry-After", throttled),
    ]


def _taken(fault: Fault) -> Fault:
    """The same, after the mail was taken."""
    return replace(fault, kind=f"{fault.kind}, after it was taken", respond=replace(fault.respond, taken=True))


@dataclass(slots=True)
class Unreliable:
    """An API that does one thing wrong, each time the place for it has come."""

    fault: Fault
    stub: SendGridStub = field(init=False)
    run: int = 0
    fired: int = 0
    _fell: set[str] = field(default_factory=set)
    _row: tuple[int, int] | None = None  # the run in which it went wrong several times, and how often so far

    def __post_init__(self) -> None:
        early = self.fault.phase in {"connect", "head", "body"}
        # A window that holds less than a request, where one has to stay unread.
        self.stub = SendGridStub(self._answer, api_key=KEY, early=self._early, receive_buffer=4096 if early else None)

    def begin(self) -> None:
        """A run begins."""
        self.run += 1

    def _early(self, moment: EarlyMoment) -> Respond | None:
        return self._fire() if moment == self.fault.phase and self._is_time() else None

    def _answer(self, request: Request) -> Respond | None:
        return None if self.fault.phase in {"connect", "head", "body"} or not self._is_time() else self._fire()

    def _fire(self) -> Respond:
        self.fired += 1
        return self.fault.respond

    def _is_time(self) -> bool:
        lost = bool(self.fault.doubtful) and not self.fault.respond.taken
        done = len(self.stub.recipients) + self.fired * (lost or self.fault.rejects)
        if done == 0 and "first" not in self._fell:
            self._fell.add("first")
            return True
        if done >= PEOPLE - 1 and "last" not in self._fell:
            self._fell.add("last")
            return True
        if not MIDDLE <= done < PEOPLE - 1:
            return False
        if self._row is None:
            self._row = (self.run, 0)
        run, times = self._row
        if run != self.run or times == self.fault.row:
            return False
        self._row = (run, times + 1)
        return True

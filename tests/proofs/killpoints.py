"""Named points at which a process can be made to die: `DIGEST_KILLPOINT=NAME:NTH`, in a child of the zygote alone.

The product knows nothing of them: arming wraps what stands at the point. Names are `ROOM.MOMENT`. A room that writes has
`begin` (before it), `uncommitted` (done, and the transaction not yet committed) and `committed`; a transport has a point
before and after each verb, in the middle of a body, and between an answer's arrival and its reading.
A process that dies so leaves the file `killed` where it runs; a carrier is armed as its parent is, and each counts for itself.
`DIGEST_KILLPOINT_COUNTS=FILE` kills nobody and writes down how often each point was passed, into a file for each process. `DIGEST_KILLPOINT_LATE=MANY` lets the
process find that many of its deliveries too late to be handed over.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

# Where a room's writing is called from: the name there is wrapped.
ROOMS: dict[str, tuple[str, ...]] = {
    "fetch": ("digest.app.fetching:store_reading",),
    "release": ("digest.app.fetching:release_waiting",),
    "freeze": ("digest.app.issuing:freeze",),
    "approve": ("digest.app.issuing:step",),
    "plan": ("digest.delivery.sending:plan",),
    "sweep": ("digest.delivery.sending:sweep",),
    "claim": ("digest.delivery.ledger:Ledger.claim", "digest.delivery.ledger:Ledger.claim_and_mark"),
    "mark": ("digest.delivery.ledger:Ledger.mark",),
    "unmark": ("digest.delivery.ledger:Ledger.unmark",),
    "take-back": ("digest.delivery.ledger:Ledger.take_back",),
    "settle": ("digest.delivery.ledger:Ledger.settle",),
    "give-back": ("digest.delivery.ledger:Ledger.release",),
    "finish": ("digest.delivery.ledger:Ledger.finish",),
    "conclude": ("digest.delivery.sending:conclude",),
    "resolve": ("digest.app.issuing:upkeep.resolve",),
}
# With PIPELINING, RCPT and DATA are written with MAIL; where it is known who follows, all three behind the body before.
_VERBS = ("EHLO", "MAIL", "RCPT", "DATA", "RSET", "QUIT")
TRANSPORT = (
    "connect.begin",
    "connect.done",
    *(f"smtp.{verb}.{moment}" for verb in _VERBS for moment in ("begin", "written")),
    "body.begin",
    "body.half",
    "body.whole",
    "envelope.written",
    "answer.waiting",
    "answer.read",
)
NAMES = (*(f"{room}.{moment}" for room in ROOMS for moment in ("begin", "uncommitted", "committed")), *TRANSPORT)


KILLED = "killed"


class _Armed:
    """Counts who passes which point, and dies at the one that was named."""

    def __init__(self, name: str | None, nth: int) -> None:
        self._name, self._nth = name, nth
        self._lock = threading.Lock()
        self.counts: Counter[str] = Counter()

    def passing(self, name: str) -> None:
        with self._lock:
            self.counts[name] += 1
            if name == self._name and self.counts[name] == self._nth:
                Path(KILLED).touch()
                os.kill(os.getpid(), signal.SIGKILL)


def arm(point: str | None, counts: str | None, late: str | None = None) -> None:
    """Wrap every point; die at `point` (`NAME:NTH`), or count into the file `counts`. So many are found to be `late`."""
    if late is not None:
        _wrap("digest.delivery.engines.turns:Turns._is_in_time", lambda original: _late_at_first(original, int(late)))
    if point is None and counts is None:
        return
    name, _, nth = (point or "").partition(":")
    if point is not None and name not in NAMES:
        raise ValueError(f"there is no kill point {name!r}; there are: {', '.join(NAMES)}")
    armed = _Armed(name or None, int(nth or 1))
    if counts is not None:
        _write_at_exit(armed, Path(counts))
    written: threading.local = threading.local()
    for room, places in ROOMS.items():
        for place in places:
            _wrap(place, partial(_in_room, room, armed, written))
    _wrap("digest.store.database:Store.writing", lambda original: _transaction(original, armed, written))
    _wrap("digest.delivery.providers.wire:Wire.sendall", lambda original: _sendall(original, armed))
    _wrap("digest.delivery.providers.wire:Wire.read", lambda original: _read(original, armed))
    _wrap("digest.delivery.providers.wire:Wire.write", lambda original: _write(original, armed))
    _wrap("digest.delivery.providers.wire:Wire.hear", lambda original: _hear(original, armed))
    for place in ("digest.delivery.providers.smtp:dial", "digest.delivery.providers.http_line:dial"):
        _wrap(place, lambda original: _dial(original, armed))


def _late_at_first(original: Any, many: int) -> Any:
    asked = count()

    def is_in_time(self: Any, deadline: Any) -> bool:
        return next(asked) >= many and bool(original(self, deadline))

    return is_in_time


def _write_at_exit(armed: _Armed, path: Path) -> None:
    real_exit = os._exit

    def leave(code: int) -> None:
        path.with_name(f"{path.name}.{os.getpid()}").write_text(json.dumps(armed.counts), encoding="utf-8")
        real_exit(code)

    os._exit = leave  # type: ignore[assignment] # the child ends by this alone


def _wrap(place: str, wrapper: Callable[[Any], Any]) -> None:
    module, _, path = place.partition(":")
    *owners, last = path.split(".")
    owner: Any = importlib.import_module(module)
    for name in owners:
        owner = getattr(owner, name)
    setattr(owner, last, wrapper(getattr(owner, last)))


def _in_room(room: str, armed: _Armed, written: threading.local, original: Any) -> Any:
    def call(*arguments: Any, **named: Any) -> Any:
        armed.passing(f"{room}.begin")
        found = original(*arguments, **named)
        rooms = getattr(written, "rooms", None)
        if rooms is not None:
            rooms.append(room)
        return found

    return call


def _transaction(original: Any, armed: _Armed, written: threading.local) -> Any:
    @contextmanager
    def writing(self: Any, **named: Any) -> Iterator[Any]:
        with original(self, **named) as connection:
            written.rooms = []
            try:
                yield connection
                for room in written.rooms:
                    armed.passing(f"{room}.uncommitted")
            finally:
                rooms, written.rooms = written.rooms, None
        for room in rooms:
            armed.passing(f"{room}.committed")

    return writing


def _sendall(original: Any, armed: _Armed) -> Any:
    def sendall(self: Any, data: bytes) -> None:
        verb = data[:4].decode("ascii", "replace")
        if verb in _VERBS and len(data) < 4096:
            armed.passing(f"smtp.{verb}.begin")
            original(self, data)
            armed.passing(f"smtp.{verb}.written")
            return
        armed.passing("body.begin")
        half = len(data) // 2
        original(self, data[:half])
        armed.passing("body.half")
        original(self, data[half:])
        armed.passing("body.whole")

    return sendall


def _write(original: Any, armed: _Armed) -> Any:
    """As `_sendall`; behind a body goes the envelope of the next message, and it may be cut off anywhere."""

    async def write(self: Any, *pieces: bytes, hint: bytes = b"") -> None:
        data = b"".join(pieces)
        verb = data[:4].decode("ascii", "replace")
        if verb in _VERBS and len(data) < 4096:
            armed.passing(f"smtp.{verb}.begin")
            await original(self, data)
            armed.passing(f"smtp.{verb}.written")
            return
        armed.passing("body.begin")
        half = len(data) // 2
        await original(self, data[:half])
        armed.passing("body.half")
        await original(self, data[half:])
        armed.passing("body.whole")
        if hint:
            await original(self, hint)
            armed.passing("envelope.written")

    return write


def _hear(original: Any, armed: _Armed) -> Any:
    async def hear(self: Any, size: int = 65536) -> bytes:
        armed.passing("answer.waiting")
        data: bytes = await original(self, size)
        armed.passing("answer.read")
        return data

    return hear


def _read(original: Any, armed: _Armed) -> Any:
    def read(self: Any, size: int = 65536) -> bytes:
        armed.passing("answer.waiting")
        data: bytes = original(self, size)
        armed.passing("answer.read")
        return data

    return read


def _dial(original: Any, armed: _Armed) -> Any:
    def dial(*arguments: Any) -> Any:
        armed.passing("connect.begin")
        wire = original(*arguments)
        armed.passing("connect.done")
        return wire

    return dial

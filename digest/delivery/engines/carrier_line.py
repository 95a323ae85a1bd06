"""The line between a carrier and whoever keeps the ledger: what is said on it, in frames.

Both ends are of one program and one machine, so that what is said is written as the interpreter itself writes data.
"""

from __future__ import annotations

import marshal
import select
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from digest.delivery.press import Planned, Press
from digest.delivery.providers.answer import Answer, Outcome, Trouble
from digest.delivery.recipient import Recipient
from digest.rendering.content import Arrangement

BEGIN, JOB, RECALL, END = 1, 2, 3, 4
"""What a carrier is told: whose messages it will carry; one job; that what was not begun is not to be; that it is over."""
READY, ANSWERED, KEPT, RECALLED, DEGRADED, FAILED = 10, 11, 12, 13, 14, 15
"""What it says: that it can begin; what became of a job; that one was not handed over; that none will be any more; what did not fit; by what defect it ends."""

_HEAD = struct.Struct(">I")
_AT_ONCE = 1 << 18


class Line:
    """One end. Several threads may say something; one hears."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._sock, self._turn = sock, threading.Lock()
        self._heard, self._ended = bytearray(), False
        self._left: deque[memoryview] = deque()

    def fileno(self) -> int:
        """For whoever waits for several things."""
        return self._sock.fileno()

    def say(self, *what: Any, within: float) -> None:
        """Hand over all of it. An `OSError` means that the other end cannot have it whole."""
        until = time.monotonic() + within
        with self._turn:
            self._keep(what)
            while not self._hand_over():
                if time.monotonic() > until:
                    raise TimeoutError("nobody takes what is said")
                _wait(self._sock, select.POLLOUT, 0.05)

    def put(self, *what: Any) -> None:
        """Hand over as much of it as is taken now, and the rest while `hear` waits. An `OSError` as of `say`."""
        with self._turn:
            self._keep(what)
            self._hand_over()

    def hear(self, seconds: float | None) -> list[tuple[Any, ...]]:
        """Everything that has come, waiting up to so long for the first; `EOFError` when nobody is there any more to say something."""
        until = None if seconds is None else time.monotonic() + seconds
        self.take_in()
        while not self._is_whole() and not self._ended and (until is None or time.monotonic() < until):
            signs = select.POLLIN | (select.POLLOUT if self._left else 0)
            _wait(self._sock, signs, None if until is None else max(0.0, until - time.monotonic()))
            self.take_in()
        said = []
        while self._is_whole():
            end = _HEAD.size + _HEAD.unpack_from(self._heard)[0]
            with memoryview(self._heard) as view:
                said.append(marshal.loads(view[_HEAD.size : end]))  # noqa: S302 - of our own program, see above
            del self._heard[:end]
        if self._ended and not said:
            raise EOFError("nobody is there any more")
        return said

    def take_in(self) -> None:
        """Keep what has come for whoever hears it, and hand over what was left."""
        if self._left:
            with self._turn, suppress(OSError):  # whoever does not take it will not be there to be heard either
                self._hand_over()
        try:
            while not self._ended:
                data = self._sock.recv(_AT_ONCE)
                self._heard += data
                self._ended = not data
                if len(data) < _AT_ONCE:
                    return
        except BlockingIOError:
            return
        except OSError:
            self._ended = True

    def close(self) -> None:
        """Let go."""
        self._sock.close()

    def _keep(self, what: tuple[Any, ...]) -> None:
        data = marshal.dumps(what)
        self._left.append(memoryview(_HEAD.pack(len(data)) + data))

    def _hand_over(self) -> bool:
        """Whether all of it could be."""
        try:
            while self._left:
                left = self._left[0]
                self._left[0] = left[self._sock.send(left) :]
                if not self._left[0]:
                    self._left.popleft()
        except BlockingIOError:
            return False
        return True

    def _is_whole(self) -> bool:
        return len(self._heard) >= _HEAD.size and len(self._heard) >= _HEAD.size + _HEAD.unpack_from(self._heard)[0]


def _wait(sock: socket.socket, sign: int, seconds: float | None) -> None:
    poll = select.poll()
    poll.register(sock, sign)
    poll.poll(None if seconds is None else seconds * 1000)


def pack_job(planned: Planned, people: Sequence[Recipient], begin_by: float, ahead: Recipient | None) -> tuple[Any, ...]:
    """A job in plain data."""
    arrangement = planned.arrangement
    content = (planned.number, arrangement.lead, arrangement.sections, planned.language, tuple(planned.withdrawn))
    return content, [tuple(person) for person in people], begin_by, ahead and tuple(ahead)


def read_job(job: tuple[Any, ...], press: Press) -> tuple[Planned, list[Recipient], float, Recipient | None]:
    """What `pack_job` packed; `press` makes what was planned."""
    (number, lead, sections, language, withdrawn), people, begin_by, ahead = job
    planned = Planned(number, Arrangement(lead, sections), language, frozenset(withdrawn), press)
    return planned, [*map(Recipient._make, people)], begin_by, ahead and Recipient._make(ahead)


def pack_answer(answer: Answer) -> tuple[Any, ...]:
    """An answer in plain data; where all came to the same, that once."""
    outcomes = answer.outcomes
    alike = len(set(outcomes)) == 1
    return (
        ([outcomes[0].value], len(outcomes)) if alike else ([one.value for one in outcomes], 1),
        answer.text,
        dict(answer.texts),
        answer.trouble and answer.trouble.value,
        answer.retry_after,
        tuple(answer.crowded),
        answer.provider_message_id,
    )


def read_answer(data: tuple[Any, ...]) -> Answer:
    """What `pack_answer` packed."""
    (outcomes, times), text, texts, trouble, retry_after, crowded, message_id = data
    return Answer(
        tuple(map(Outcome, outcomes)) * times,
        text,
        texts,
        trouble and Trouble(trouble),
        retry_after,
        frozenset(crowded),
        message_id,
    )

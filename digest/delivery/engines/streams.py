"""Streams: every connection of a provider driven by the one thread that also writes the ledger.

No lane changes threads for a message, which costs more here than the message: the interpreter runs one thread at a time.
While a transaction is made durable, what was written to the sockets is on its way, and answers wait in their buffers.
"""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from queue import SimpleQueue
from typing import Any

from digest.delivery.engines.lanes import Job
from digest.delivery.providers.answer import Answer, Outcome
from digest.delivery.providers.port import Stream, Streaming
from digest.delivery.providers.waiting import Aside, Until, Wanted
from digest.delivery.steps import Answered, Heard, NotHandedOver

_MOMENT = 0.001  # seconds
_SOON = 0.25  # seconds after which a deadline is looked at, at the latest


@dataclass(slots=True)
class _Sending:
    """One job of one lane."""

    lane: int
    many: int
    course: Coroutine[Wanted, None, Answer]
    until: Until | None = None


class Streams:
    """A bounded number of connections. Only what cannot wait in company, such as a handshake, gets a thread for its time."""

    def __init__(self, provider: Streaming, moment: float = _MOMENT) -> None:
        self._provider, self._moment = provider, moment
        self._streams: dict[int, Stream] = {}
        self._waiting: dict[int, _Sending] = {}  # by file descriptor
        self._poll = select.poll()
        self._answers: list[Heard] = []
        self._done: SimpleQueue[_Sending] = SimpleQueue()
        self._looked_at = 0.0
        self._closing, self._closed = threading.Lock(), False
        self._watched = -1
        self._bell, self._ring = os.pipe()
        self._poll.register(self._bell, select.POLLIN)

    def send(self, lane: int, job: Job) -> None:
        """Begin a job; its answer will be heard."""
        try:
            rendition = job.rendition
            if lane not in self._streams:
                self._streams[lane] = self._provider.stream()
            envelopes = job.envelopes(rendition)
            if not job.in_time():
                self._answers.append(NotHandedOver(lane))
                return
            course = self._streams[lane].send(rendition, envelopes, datetime.now(UTC), job.following(rendition))
        except Exception as raised:
            self._fail(lane, len(job.people), raised)
            return
        self._go_on(_Sending(lane, len(job.people), course))

    def recall(self) -> None:
        """Every job was begun when it was given."""

    def watch(self, connection: int) -> None:
        """Listen for something else as well: who hears comes back when there is something to read."""
        self._watched = connection
        self._poll.register(connection, select.POLLIN)

    def hear(self, seconds: float) -> list[Heard]:
        """Every answer there is, waiting up to so long for the first, or for what is watched.

        Where few of many have answered, the others are given a `moment`: so half of the lanes are written down together while
        the other half is under way.
        """
        ends, given = time.monotonic() + seconds, False
        called = self._listen(0)
        while True:
            left = ends - time.monotonic()
            if self._answers and not given and len(self._waiting) > len(self._answers):
                ends, given = time.monotonic() + self._moment, True
            elif called or left <= 0 or (self._answers and len(self._waiting) <= len(self._answers)):
                answers, self._answers = self._answers, []
                return answers
            else:
                called = self._listen(min(left, _SOON))

    def close(self, seconds: float = 1.0) -> None:
        """Let the connections go; whoever still waits for an answer, or takes its time with a goodbye, is left behind."""
        for sending in self._waiting.values():
            sending.course.close()
        goodbyes = [threading.Thread(target=stream.close, daemon=True) for stream in self._streams.values()]
        for goodbye in goodbyes:
            goodbye.start()
        until = time.monotonic() + seconds
        for goodbye in goodbyes:
            goodbye.join(max(0.0, until - time.monotonic()))
        with self._closing:
            self._closed = True
            os.close(self._bell)
            os.close(self._ring)

    def _listen(self, seconds: float) -> bool:
        """Let those go on who have something to read, then those whose time is over; whether there is something of what is watched."""
        called = False
        for connection, _ in self._poll.poll(seconds * 1000):
            if connection == self._watched:
                called = True
            elif connection == self._bell:
                self._take_back()
            else:
                self._poll.unregister(connection)
                self._go_on(self._waiting.pop(connection))
        now = time.monotonic()
        if now >= self._looked_at + _SOON:
            self._looked_at = now
            for connection, sending in list(self._waiting.items()):
                if sending.until is not None and sending.until.deadline.is_over():
                    self._poll.unregister(connection)
                    del self._waiting[connection]
                    self._go_on(sending, TimeoutError("timed out"))
        return called

    def _go_on(self, sending: _Sending, error: Exception | None = None) -> None:
        """One of them goes on until it waits again or has its answer."""
        try:
            wanted: Any = sending.course.send(None) if error is None else sending.course.throw(error)
        except StopIteration as end:
            self._answers.append(Answered(sending.lane, end.value))
        except Exception as raised:
            self._fail(sending.lane, sending.many, raised)
        else:
            self._wait(sending, wanted)

    def _fail(self, lane: int, many: int, raised: Exception) -> None:
        """A stream that raises is a defect, and nobody knows how far it came."""
        words = f"the provider's adapter failed: {type(raised).__name__}"
        self._answers.append(Answered(lane, Answer((Outcome.UNKNOWN,) * many, words)))

    def _wait(self, sending: _Sending, wanted: Wanted) -> None:
        if isinstance(wanted, Until):
            sending.until = wanted
            self._waiting[wanted.connection] = sending
            self._poll.register(wanted.connection, wanted.sign)
            return
        try:
            threading.Thread(target=self._do, args=(sending, wanted), name=f"lane-{sending.lane}", daemon=True).start()
        except RuntimeError as error:  # no more threads: the work cannot be done
            wanted.error = ConnectionError(str(error))
            self._go_on(sending)

    def _do(self, sending: _Sending, aside: Aside) -> None:
        aside.wait()
        with self._closing:
            if not self._closed:
                self._done.put(sending)
                os.write(self._ring, b"!")

    def _take_back(self) -> None:
        os.read(self._bell, 4096)
        while not self._done.empty():
            self._go_on(self._done.get())

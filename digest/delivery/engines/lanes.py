"""Lanes: one thread and one provider connection each, fed and heard through queues."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from queue import Empty, SimpleQueue

from digest.delivery.press import Planned
from digest.delivery.providers.answer import Answer, Outcome
from digest.delivery.providers.port import Ahead, Provider, Transport
from digest.delivery.recipient import Recipient
from digest.delivery.steps import Answered, Heard, NotHandedOver
from digest.rendering.content import Envelope
from digest.rendering.rendition import Rendition

_MOMENT = 0.0005  # seconds


@dataclass(slots=True)  # one for each message: frozen, it takes four times as long to make
class Job:
    """One send for one lane. `ahead` is who most likely follows.

    `in_time` is asked at the last moment: only then is anything handed over, else `NotHandedOver` is the answer. `begin_by` is the
    moment from which on it says no, by the clock of leases, for who is asked in another process.
    """

    content: Rendition | Planned
    people: Sequence[Recipient]
    make: Callable[[Recipient, Rendition], Envelope]
    in_time: Callable[[], bool]
    ahead: Recipient | None = None
    make_ahead: Callable[[Recipient, Rendition], Envelope] | None = None
    begin_by: float = math.inf

    @property
    def rendition(self) -> Rendition:
        """What everybody of it gets; assembled where it was not."""
        return self.content.make() if isinstance(self.content, Planned) else self.content

    def assembled(self) -> Job:
        """The same job, of whose content nothing is left to be made."""
        return replace(self, content=self.rendition)

    def envelopes(self, rendition: Rendition) -> list[Envelope]:
        """One for each of the people; made by the lane, since whoever writes the ledger has enough to do."""
        return [self.make(person, rendition) for person in self.people]

    def following(self, rendition: Rendition) -> Ahead | None:
        """Who follows; their envelope is made before their turn only for whoever asks."""
        person, make = self.ahead, self.make_ahead or self.make
        return None if person is None else Ahead(person.address, lambda: make(person, rendition))


class Lanes:
    """A bounded number of connections. Threads start with their first job and die with the process.

    Where it is to be told otherwise than by `hear`, each lane calls `tell` by itself.
    """

    def __init__(self, provider: Provider, tell: Callable[[Heard], None] | None = None) -> None:
        self._provider = provider
        self._answers: SimpleQueue[Heard] = SimpleQueue()
        self._tell = tell or self._answers.put
        self._jobs: dict[int, SimpleQueue[Job | None]] = {}
        self._threads: list[threading.Thread] = []
        self._under_way = 0
        self._not_begun: dict[int, Job] = {}  # by lane
        self._beginning = threading.Lock()

    def send(self, lane: int, job: Job) -> None:
        """Hand a job to a lane; its answer will be heard."""
        job = job.assembled()
        if lane not in self._jobs:
            self._jobs[lane] = SimpleQueue()
            thread = threading.Thread(target=self._work, args=(lane, self._jobs[lane]), name=f"lane-{lane}", daemon=True)
            self._threads.append(thread)
            thread.start()
        self._under_way += 1
        with self._beginning:
            self._not_begun[lane] = job
        self._jobs[lane].put(job)

    def recall(self) -> None:
        """What no lane has begun is not handed over any more, and that will be heard."""
        with self._beginning:
            for lane in self._not_begun:
                self._tell(NotHandedOver(lane))
            self._not_begun.clear()

    def hear(self, seconds: float) -> list[Heard]:
        """Every answer there is, waiting up to so long for the first.

        Where few of many have answered, the others are given a moment: so half of the lanes are written down together while
        the other half is under way.
        """
        heard: list[Heard] = []
        try:
            heard.append(self._answers.get(timeout=seconds) if seconds > 0 else self._answers.get_nowait())
            if self._under_way > 2 * (1 + self._answers.qsize()):
                time.sleep(_MOMENT)
            while True:
                heard.append(self._answers.get_nowait())
        except Empty:
            self._under_way -= len(heard)
            return heard

    def close(self, seconds: float = 1.0) -> None:
        """Let the connections go; a lane that still waits for an answer is left behind."""
        for jobs in self._jobs.values():
            jobs.put(None)
        until = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _work(self, lane: int, jobs: SimpleQueue[Job | None]) -> None:
        transport = self._provider.open()
        while (job := jobs.get()) is not None:
            answer = self._carry(lane, transport, job)
            if answer is not None:
                self._tell(Answered(lane, answer))
        transport.close()

    def _carry(self, lane: int, transport: Transport, job: Job) -> Answer | None:
        """What became of a job; None when it was not begun. What was made of it is not kept while the lane waits for the next."""
        try:
            rendition = job.rendition
            envelopes = job.envelopes(rendition)
            return transport.send(rendition, envelopes, datetime.now(UTC)) if self._begins(lane, job) else None
        except Exception as error:
            # A transport that raises is a defect, and nobody knows how far it came.
            return Answer((Outcome.UNKNOWN,) * len(job.people), f"the provider's adapter failed: {type(error).__name__}")

    def _begins(self, lane: int, job: Job) -> bool:
        """Whether a job is handed over now: it was not recalled, and is not late."""
        with self._beginning:
            if self._not_begun.get(lane) is not job:
                return False
            del self._not_begun[lane]
            if job.in_time():
                return True
            self._tell(NotHandedOver(lane))
            return False

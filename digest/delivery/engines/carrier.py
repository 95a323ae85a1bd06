"""The carrier: a process of its own that writes the messages and holds the connections, so that this one only keeps the ledger.

The interpreter runs one thread at a time, and what a message costs is the ledger's and the connection's in about equal parts.
A carrier is handed what is marked, and says what became of it; it reads no database, and what it is not handed it does not send.

What dies, and what then holds. The carrier ends with its parent: at the latest when the line between them ends. Until it has,
the run lock is not free, for it holds that as well: whoever has the lock still knows that every other sender is dead. When the
carrier dies or hangs, it is ended for sure, what it had and has not answered is unknown, and the rest is carried here.
"""

from __future__ import annotations

import logging
import math
import os
import pickle
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from time import sleep
from typing import Any, Protocol

from digest.delivery.engines import carrier_line as said
from digest.delivery.engines.carrier_line import Line
from digest.delivery.engines.lanes import Job, Lanes
from digest.delivery.engines.streams import Streams
from digest.delivery.envelopes import EnvelopeMaker
from digest.delivery.press import Planned, Press
from digest.delivery.providers.port import Provider
from digest.delivery.real_time import elapsed
from digest.delivery.steps import Answered, Heard, Lost, NotHandedOver
from digest.settings import Settings

LOST = "the process that carried it was lost"
_log = logging.getLogger("digest.delivery")
_MOMENT = 0.0005  # seconds
_MARGIN = timedelta(seconds=30)  # beyond the longest send; less than what is left of a batch's time when it is marked
_RECALLED_WITHIN = 1.0
_READY_WITHIN = 20.0
_HERE = str(Path(__file__).parents[3])
_PROGRAM = """
import sys
if {here!r} not in sys.path:  # this very Digest, wherever it was started from
    sys.path.insert(0, {here!r})
from digest.delivery.engines.carrier_child import serve
serve(0)
"""


class Process(Protocol):
    """As much of a child as is needed of one."""

    def kill(self) -> None:
        """End it at once."""
        ...

    def wait(self, timeout: float | None = None) -> int:
        """Until it has ended."""
        ...


def launch(there: socket.socket, lock: int | None) -> Process:
    """A new carrier at the end `there` of its line, which holds the run lock as long as it lives."""
    return subprocess.Popen(  # noqa: S603 - our own program, and no shell
        [sys.executable, "-I", "-c", _PROGRAM.format(here=_HERE)],
        stdin=there.fileno(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"MALLOC_ARENA_MAX": "1"},  # where each thread has an arena of its own, lanes take twice the memory
        pass_fds=() if lock is None else (lock,),
        start_new_session=True,  # an interrupt at the terminal is for whoever decides when we end
    )


class Carrier:
    """Carries the jobs of one issue through one provider. Starts with the first, and ends with its parent.

    `made_of` are the settings of which it makes the provider anew; `instead` makes what carries them here, should it be lost.
    """

    def __init__(
        self,
        provider: Provider,
        made_of: Settings,
        maker: EnvelopeMaker,
        press: Press,
        *,
        longest: timedelta,
        lock: int | None,
        instead: Callable[[], Lanes | Streams],
    ) -> None:
        self._told = (type(provider), made_of, maker.recipe, press)
        self._press, self._lock, self._instead = press, lock, instead
        self._patience = (longest + _MARGIN).total_seconds()
        self._process: Process | None = None
        self._line: Line | None = None
        self._here: Lanes | Streams | None = None
        self._ready, self._ready_by = False, 0.0
        self._waiting: dict[int, Job] = {}  # by lane, until it is
        self._under_way: dict[int, float] = {}  # by lane, when its answer is surely overdue
        self._heard: list[Heard] = []

    def send(self, lane: int, job: Job) -> None:
        """Hand a job over; its answer will be heard."""
        if self._here is not None or not isinstance(job.content, Planned) or (self._line is None and not self._start()):
            self._carry_here().send(lane, job)
        elif self._ready:
            self._hand_over(lane, job)
        else:
            self._waiting[lane] = job

    def recall(self) -> None:
        """What was not begun is not handed over any more, and that will be heard."""
        self._heard += [NotHandedOver(lane) for lane in self._waiting]
        self._waiting.clear()
        if self._here is not None:
            self._here.recall()
        elif self._line is not None and self._say(said.RECALL):
            until = elapsed() + _RECALLED_WITHIN
            while not self._is_lost and elapsed() < until and not self._listen(_RECALLED_WITHIN):
                pass

    def hear(self, seconds: float) -> list[Heard]:
        """Every answer there is, waiting up to so long for the first; where few of many have answered, the others are given a moment."""
        if self._here is None and self._line is not None:
            self._listen(0 if self._heard else seconds)
            if self._heard and len(self._under_way) > len(self._heard):
                sleep(_MOMENT)
                self._listen(0)
        heard, self._heard = self._heard, []
        if self._here is not None:
            heard += self._here.hear(0 if heard else seconds)
        return heard

    def close(self, seconds: float = 1.0) -> None:
        """Let it end: its connections go; what still waits for an answer is left behind."""
        if self._here is not None:
            self._here.close(seconds)
        if self._process is not None and self._line is not None:
            with suppress(OSError):
                self._line.say(said.END, within=seconds)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(2 * seconds)
        self._end()

    def _hand_over(self, lane: int, job: Job) -> None:
        if not isinstance(job.content, Planned) or not job.in_time():
            self._heard.append(NotHandedOver(lane))
        elif self._say(said.JOB, lane, *said.pack_job(job.content, job.people, job.begin_by, job.ahead)):
            self._under_way[lane] = elapsed() + self._patience
        else:  # what it did not hear to its end it cannot have taken
            self._carry_here().send(lane, job)

    def _hand_over_waiting(self) -> None:
        waiting, self._waiting = self._waiting, {}
        for lane, job in waiting.items():
            self.send(lane, job)

    @property
    def _is_lost(self) -> bool:
        return self._here is not None

    def _start(self) -> bool:
        """Whether it could be started."""
        here, there = socket.socketpair()
        with there:
            try:
                self._process = launch(there, self._lock)
            except OSError as error:
                here.close()
                _log.warning("no process of its own can carry the messages (%s); they are carried here", type(error).__name__)
                return False
        self._line, self._ready_by = Line(here), elapsed() + _READY_WITHIN
        return self._say(said.BEGIN, os.getpid(), pickle.dumps(self._told))

    def _say(self, *what: Any) -> bool:
        """Whether the carrier has it; else it is lost."""
        if self._line is None:
            return False
        try:
            self._line.put(*what)
        except OSError as error:
            self._lose(error)
            return False
        return True

    def _listen(self, seconds: float) -> bool:
        """Take in what it says; whether it says that it has recalled."""
        recalled = False
        if self._line is None:
            return recalled
        try:
            for what, *rest in self._line.hear(seconds):
                recalled |= what == said.RECALLED
                self._take(what, rest)
        except (OSError, EOFError, ValueError, TypeError) as error:
            self._lose(error)
        if min(self._under_way.values(), default=math.inf if self._ready else self._ready_by) < elapsed():
            self._lose(TimeoutError("it says nothing"))
        return recalled

    def _take(self, what: int, rest: list[Any]) -> None:
        if what == said.READY:
            self._ready = True
            self._hand_over_waiting()
        elif what == said.FAILED:
            raise EOFError(rest[0])
        elif what == said.DEGRADED:
            number, degraded = rest
            self._press.degraded[number] = pickle.loads(degraded)  # noqa: S301 - of our own program
        elif what in {said.ANSWERED, said.KEPT}:
            lane = rest[0]
            if self._under_way.pop(lane, None) is not None:
                self._heard.append(NotHandedOver(lane) if what == said.KEPT else Answered(lane, said.read_answer(rest[1])))

    def _lose(self, error: Exception) -> None:
        """End it for sure; what it said until then holds."""
        if self._here is not None:
            return
        _log.warning(
            "the process that carries the messages is lost (%s); they are carried here now", str(error) or type(error).__name__
        )
        self._carry_here()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        with suppress(OSError, EOFError, ValueError, TypeError):
            for what, *rest in self._line.hear(0) if self._line is not None else ():
                self._take(what, rest)
        self._heard += [Lost(lane, LOST) for lane in self._under_way]
        self._under_way.clear()
        self._hand_over_waiting()

    def _carry_here(self) -> Lanes | Streams:
        if self._here is None:
            self._here = self._instead()
        return self._here

    def _end(self) -> None:
        if self._process is not None:
            with suppress(OSError):
                self._process.kill()
            self._process.wait()
        if self._line is not None:
            self._line.close()
        self._line = self._process = None

"""What a carrier does, in its own process: it carries what it is handed until nobody is there any more to be told of it."""

from __future__ import annotations

import ctypes
import os
import pickle
import signal
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Never

from digest.delivery.engines import carrier_line as said
from digest.delivery.engines.carrier_line import Line
from digest.delivery.engines.lanes import Job, Lanes
from digest.delivery.engines.streams import Streams
from digest.delivery.envelopes import EnvelopeMaker
from digest.delivery.press import Press
from digest.delivery.providers.port import Provider, Streaming
from digest.delivery.real_time import elapsed
from digest.delivery.steps import Answered, Heard

_PR_SET_PDEATHSIG = 1
_LONG = 60.0  # seconds between looks where nothing happens
_TAKES_WITHIN = 60.0  # seconds: whoever does not hear us for so long has lost us


@dataclass(frozen=True, slots=True)
class _Slot:
    """What of an issue its ids are made of."""

    newsletter: str
    frequency: str
    slot: str


def serve(descriptor: int) -> Never:
    """Carry what is said at the other end of this socket; never returns."""
    line = Line(socket.socket(fileno=descriptor))
    try:
        for one in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(one, signal.SIG_IGN)  # they are for whoever decides when we end
        (what, parent, told), *more = line.hear(None)
        if what == said.BEGIN:
            _die_with(parent)
            kind, settings, recipe, press = pickle.loads(told)  # noqa: S301 - of our own program
            _carry(line, kind(settings), recipe, press, more)
    except (EOFError, OSError):
        pass
    except Exception as error:
        with suppress(Exception):
            line.say(said.FAILED, type(error).__name__, within=_TAKES_WITHIN)
    finally:
        os._exit(0)  # at once: no thread goes on sending


def _carry(line: Line, provider: Provider, recipe: dict[str, Any], press: Press, more: list[tuple[Any, ...]]) -> None:
    slot = _Slot(recipe["newsletter"], recipe["frequency"], recipe["slot"])
    work = _Work(
        line,
        EnvelopeMaker(bytes.fromhex(recipe["key"]), recipe["public_url"], slot, recipe["mailto"], seals=recipe["seals"]),
        press,
    )
    line.say(said.READY, within=_TAKES_WITHIN)
    if isinstance(provider, Streaming):
        work.stream(Streams(provider, moment=0), more)  # whoever hears of it gives the others a moment
    else:
        work.thread(provider, more)


class _Work:
    """Takes jobs from the line and says there what became of them."""

    def __init__(self, line: Line, maker: EnvelopeMaker, press: Press) -> None:
        self._line, self._maker, self._press = line, maker, press
        self._told: set[int] = set()  # of which renditions it is known that they were too large
        self._over = False

    def thread(self, provider: Provider, more: list[tuple[Any, ...]]) -> None:
        """With a thread for each lane."""
        lanes = Lanes(provider, self.tell)
        self._obey(lanes, more)
        while not self._over:
            self._obey(lanes, self._line.hear(None))
        lanes.close()

    def stream(self, streams: Streams, more: list[tuple[Any, ...]]) -> None:
        """All lanes in this thread."""
        streams.watch(self._line.fileno())
        self._obey(streams, more)
        while not self._over:
            self._tell_all(streams.hear(_LONG))
            self._obey(streams, self._line.hear(0))
        streams.close()

    def tell(self, heard: Heard) -> None:
        """Say what became of one job."""
        if isinstance(heard, Answered):
            self._say(said.ANSWERED, heard.lane, said.pack_answer(heard.answer))
        else:
            self._say(said.KEPT, heard.lane)

    def _tell_all(self, heard: list[Heard]) -> None:
        for one in heard:
            self.tell(one)

    def _obey(self, carriers: Lanes | Streams, orders: list[tuple[Any, ...]]) -> None:
        """One order after the other, each let go with what it held: at first there is a whole request for every lane."""
        orders.reverse()
        while orders:
            what, *rest = orders.pop()
            if what == said.JOB:
                carriers.send(rest[0], self._job(*rest[1:]))
                self._tell_all(carriers.hear(0))  # lanes that are threads have told theirs by themselves
            elif what == said.RECALL:
                carriers.recall()
                self._say(said.RECALLED)
            self._over |= what == said.END

    def _job(self, *packed: Any) -> Job:
        planned, people, begin_by, ahead = said.read_job(packed, self._press)
        rendition, make = planned.make(), self._maker
        self._tell_degraded(planned.number)
        return Job(rendition, people, make.make, lambda: elapsed() <= begin_by, ahead, make.make_ahead)

    def _tell_degraded(self, number: int) -> None:
        degraded = self._press.degraded.get(number)
        if degraded is not None and number not in self._told:
            self._told.add(number)
            self._say(said.DEGRADED, number, pickle.dumps(degraded))

    def _say(self, *what: Any) -> None:
        try:
            self._line.say(*what, within=_TAKES_WITHIN)
        except OSError:
            os._exit(0)  # nobody hears us: nothing more may leave


def _die_with(parent: int) -> None:
    """Where the system can, be killed when the parent dies, even while we are stopped; the line's end tells it everywhere."""
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise EOFError("the parent is dead")

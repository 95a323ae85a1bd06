"""Live progress: an issue's page is told, a few times a minute at least, how the issue goes out, by server-sent events.

Nobody who listens holds a thread. There are so many listeners at most, each for so long at most: a browser comes again by itself. It is
over when the issue is settled, with the session that asked for it, and when we end.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from digest.errors import DigestError
from digest.web.desk.watching import Going

MOST = 40
"""So many may listen at once."""

MOST_EACH = 6
"""So many of one session."""

LASTS = 300.0
"""For so many seconds at most."""

EVERY = 2.0
"""Seconds between two looks, at the session and at the issue."""

_AGAIN = 3000  # milliseconds after which a browser comes again
_LATER = {"Retry-After": "30"}
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


@dataclass(slots=True)
class Ear:
    """Who listens: counted, and let in as long as there are not too many. `stop` ends us, `over` this configuration of ours."""

    stop: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)
    _inside: dict[str, int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def let_in(self, whose: str) -> bool:
        """Count one in; False where there are enough."""
        with self._lock:
            if sum(self._inside.values()) >= MOST or self._inside.get(whose, 0) >= MOST_EACH:
                return False
            self._inside[whose] = self._inside.get(whose, 0) + 1
            return True

    def let_out(self, whose: str) -> None:
        """Count them out."""
        with self._lock:
            left = self._inside.pop(whose) - 1
            if left:
                self._inside[whose] = left

    def has_ended(self) -> bool:
        """Whether nobody is told anything any more; a browser then comes again, to whoever is there."""
        return self.stop.is_set() or self.over.is_set()

    @property
    def inside(self) -> int:
        """How many listen."""
        with self._lock:
            return sum(self._inside.values())


def listen(ear: Ear, whose: str, still_in: Callable[[], bool], look: Callable[[], Going]) -> Response:
    """The answer to somebody who listens. `still_in` says whether their session is alive, `look` how the issue goes."""
    return _Stream(ear, whose, tell(still_in, look, ear.has_ended))


async def tell(
    still_in: Callable[[], bool],
    look: Callable[[], Going],
    has_ended: Callable[[], bool],
    *,
    lasts: float = LASTS,
    every: float = EVERY,
) -> AsyncIterator[str]:
    """The events: one at once, one whenever something has changed, and a word of comment where nothing has. Each look is a thread's
    of the pool, for as long as it takes."""
    ends, last = time.monotonic() + lasts, ""
    yield f"retry: {_AGAIN}\n\n"
    while not has_ended():
        try:
            if not await run_in_threadpool(still_in):
                yield "event: out\ndata: {}\n\n"
                return
            going = await run_in_threadpool(look)
        except DigestError:  # the database is away for a moment
            return
        told = json.dumps(going.to_json())
        yield ":\n\n" if told == last else f"data: {told}\n\n"
        last = told
        if not going.standing.goes_out:
            yield "event: end\ndata: {}\n\n"
            return
        if time.monotonic() + every > ends:
            return
        await _wait(every, has_ended)


async def _wait(seconds: float, has_ended: Callable[[], bool]) -> None:
    """Without a thread; whoever ends us is heard within a moment."""
    ends = time.monotonic() + seconds
    while not has_ended() and (left := ends - time.monotonic()) > 0:
        await asyncio.sleep(min(left, 0.25))


class _Stream(StreamingResponse):
    """Who does not take what they are told is not waited for, and whoever has gone is counted out."""

    def __init__(self, ear: Ear, whose: str, told: AsyncIterator[str]) -> None:
        super().__init__(told, media_type="text/event-stream", headers=_HEADERS)
        self._ear, self._whose = ear, whose

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Tell, at the latest until some seconds after the end."""
        if not self._ear.let_in(self._whose):
            await PlainTextResponse("Too many listen at once; look again in a while.\n", 503, _LATER)(scope, receive, send)
            return
        try:
            async with asyncio.timeout(LASTS + EVERY):
                await super().__call__(scope, receive, send)
        except TimeoutError:
            return
        finally:
            self._ear.let_out(self._whose)

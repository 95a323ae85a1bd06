"""Serving: the pages over HTTP, until told to end; then within ten seconds."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event

import uvicorn
from anyio.to_thread import current_default_thread_limiter
from starlette.types import ASGIApp, Receive, Scope, Send

from digest.app.carrying import carrier
from digest.app.conducting import Outgoing
from digest.app.counting import counter
from digest.app.lasting import Lasting
from digest.app.news import noticer
from digest.app.processing import processor
from digest.app.scheduling import Scheduler
from digest.app.timetable import Jobs, Run
from digest.errors import UsageError
from digest.web.application import make_application
from digest.web.connections import Impatient
from digest.web.guarding import THREADS

_PATIENCE = 5  # seconds for what is being answered when told to end


class _Server(uvicorn.Server):
    """Ends when `stop` is set; signals are the command line's."""

    def __init__(self, config: uvicorn.Config, stop: Event) -> None:
        super().__init__(config)
        self._stop = stop

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Nothing: whoever calls has set `stop` on its signals already."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """As many threads as the store has connections for: who waits for a thread waits better than who holds one and has none."""
        current_default_thread_limiter().total_tokens = THREADS
        await super().startup(sockets)

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second."""
        return await super().on_tick(counter) or self._stop.is_set()


class _Pages:
    """The pages, as the configuration of now wants them: made anew when that has changed, while requests go on. Who listens at the desk
    has to come again: they may have no role any more."""

    def __init__(self, make: Callable[[Event], ASGIApp]) -> None:
        self._make, self._over = make, Event()
        self._made = make(self._over)

    def make_anew(self) -> None:
        """From the next request on."""
        before, over = self._over, Event()
        self._made, self._over = self._make(over), over
        before.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._made(scope, receive, send)


def serve(process: Lasting, listening: socket.socket, run: Run | None) -> None:
    """Answer on a socket, send letters and what editors want to be sent now, count what the desk shows, read what is reported and do a `run`
    whenever it is time (None: somebody else does both), until the process is to end."""
    app, stop = process.app, process.stop
    letters = carrier(app, stop)
    scheduler = None if run is None else Scheduler(app, Jobs(run).all(), stop)
    reports = None if run is None else processor(app, stop)
    outgoing = Outgoing(stop)
    wanted = outgoing.attendant(app)
    figures = counter(app, stop)
    wake_events = _nothing if reports is None else reports.wake
    pages = _Pages(
        lambda over: make_application(process.settings, process.store, process.clock, letters.wake, wake_events, outgoing, over)
    )
    config = uvicorn.Config(
        pages,
        access_log=False,  # the addresses hold tokens
        forwarded_allow_ips=list(process.settings.pages.trusted_proxies),
        http=Impatient,
        lifespan="off",
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=_PATIENCE,
        ws="none",
    )
    news = noticer(app, stop, letters.wake)
    threads = [thread for thread in (letters, wanted, news, scheduler, reports, figures) if thread is not None]
    process.heed(pages.make_anew, *(() if scheduler is None else (scheduler.look_again,)))
    for thread in threads:
        thread.start()
    _Server(config, stop).run(sockets=[listening])
    stop.set()
    ends = time.monotonic() + _PATIENCE - 1
    for thread in threads:
        thread.join(max(0.0, ends - time.monotonic()))


def _nothing() -> None:
    """Whoever reads reports elsewhere finds them by itself."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; `UsageError` where that is not possible."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # TCP by name: asyncio lets small answers go at once (TCP_NODELAY) where it is named, and else each waits 40 ms for an acknowledgement.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(128)
    except OSError as error:
        listening.close()
        raise UsageError(f"--host {host} --port {port}: cannot be listened on: {error.strerror or error}; name another") from None
    return listening

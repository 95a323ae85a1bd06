"""Serving: the pages over HTTP, until told to end; then within ten seconds."""

from __future__ import annotations

import logging
import socket
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from threading import Event
from types import TracebackType

import uvicorn
from anyio.to_thread import current_default_thread_limiter

from digest.app import App
from digest.app.carrying import carrier
from digest.app.conducting import Outgoing
from digest.app.counting import counter
from digest.app.news import noticer
from digest.app.processing import processor
from digest.app.scheduling import Scheduler
from digest.errors import UsageError
from digest.settings import Settings
from digest.store.database import Store
from digest.web.application import make_application
from digest.web.connections import Impatient
from digest.web.guarding import THREADS

_PATIENCE = 5  # seconds for what is being answered when told to end
_Fault = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


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


class _Discreet(logging.Formatter):
    """Of an error its kind and its lines of code, never its words: they may hold an address or a token."""

    def formatException(self, ei: _Fault) -> str:  # noqa: N802  # the library's own name
        """The traceback without what the exception says."""
        kind = "an error" if ei[0] is None else ei[0].__qualname__
        return "".join(traceback.format_tb(ei[2])) + kind


def serve(
    settings: Settings,
    store: Store,
    listening: socket.socket,
    *,
    clock: Callable[[], datetime],
    stop: Event,
    run: Callable[[App], None] | None,
) -> None:
    """Answer on a socket, send letters and what editors want to be sent now, count what the desk shows, read what is reported and do a `run`
    whenever it is time (None: somebody else does both), until `stop` is set."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Discreet("%(asctime)s %(name)s %(levelname)s %(message)s"))
    for name, level in (("uvicorn.error", logging.WARNING), ("digest", logging.INFO)):
        logging.getLogger(name).addHandler(handler)
        logging.getLogger(name).setLevel(level)

    def app() -> App:
        return App(settings, store, clock(), stop=stop)

    letters = carrier(app, stop)
    scheduler = None if run is None else Scheduler(app, run, stop)
    reports = None if run is None else processor(app, stop)
    outgoing = Outgoing(stop)
    wanted = outgoing.attendant(app)
    figures = counter(app, stop)
    config = uvicorn.Config(
        make_application(settings, store, clock, letters.wake, _nothing if reports is None else reports.wake, outgoing),
        access_log=False,  # the addresses hold tokens
        forwarded_allow_ips=list(settings.pages.trusted_proxies),
        http=Impatient,
        lifespan="off",
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=_PATIENCE,
        ws="none",
    )
    news = noticer(app, stop, letters.wake)
    threads = (letters, wanted, news, scheduler, reports, figures)
    for thread in threads:
        if thread is not None:
            thread.start()
    _Server(config, stop).run(sockets=[listening])
    stop.set()
    ends = time.monotonic() + _PATIENCE - 1
    for thread in threads:
        if thread is not None:
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

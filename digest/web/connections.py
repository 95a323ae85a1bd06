"""Connections: one over which no request comes to its end is closed, and so is one that does not take what it asked for. Without
that, a thousand that say, or hear, a byte a minute take every file handle that the process may have."""

from __future__ import annotations

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

WITHIN = 15.0
"""Seconds that a request's first lines may take, from the connection or from their first byte."""

TAKEN_WITHIN = 30.0
"""Seconds after an answer in which whoever asked has to have taken it."""


class Impatient(H11Protocol):
    """Uvicorn's own protocol, with a deadline for the head of each request, and for taking the answer; of bodies `bodies` takes care."""

    _waiting: asyncio.TimerHandle | None = None
    _offering: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the library has it
        """Somebody is there."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Some bytes came: of a request that is worked on, or of the head of one."""
        super().data_received(data)
        cycle: RequestResponseCycle | None = self.cycle  # none before the first request
        if cycle is not None and not cycle.response_complete:
            self._wait_no_more()
        elif self._waiting is None:
            self._wait()

    def on_response_complete(self) -> None:
        """Whoever has not said everything by the time of the answer is not listened to any longer."""
        talking = self.conn.their_state is h11.SEND_BODY
        self._offer()
        super().on_response_complete()
        if talking:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """They are gone."""
        self._wait_no_more()
        self._offer_no_more()
        super().connection_lost(exc)

    def _wait(self) -> None:
        self._waiting = self.loop.call_later(WITHIN, self._close)

    def _wait_no_more(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _close(self) -> None:
        self._waiting = None
        if not self.transport.is_closing():
            self.transport.close()

    def _offer(self) -> None:
        self._offer_no_more()
        self._offering = self.loop.call_later(TAKEN_WITHIN, self._take_back)

    def _offer_no_more(self) -> None:
        if self._offering is not None:
            self._offering.cancel()
            self._offering = None

    def _take_back(self) -> None:
        """Closing would wait for them to read the rest, and so would whatever they asked for behind it."""
        self._offering = None
        if self.transport.get_write_buffer_size():
            self.transport.abort()

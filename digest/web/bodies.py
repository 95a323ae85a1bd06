"""Bodies: read whole before anybody works on them, kept up to a bound, within a deadline. Who sends slowly holds up nobody.

What is beyond the bound is heard all the same, and let go of: whoever is answered while they still speak, and hung up on, may never
hear the answer; nginx says 502 in its place.
"""

from __future__ import annotations

import asyncio

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

MOST_BYTES = 64 * 1024
"""The largest body of a page that is kept."""

MOST_HEARD = 16 * 1024 * 1024
"""The largest body that is heard to its end, whatever is kept of it: four times what the recipe for nginx lets pass."""

WITHIN = 10.0
"""Seconds in which a body has to be there."""


class BodyTooLarge(HTTPException):
    """More was sent than is kept."""

    def __init__(self) -> None:
        super().__init__(413, "The request is too large.", {"Connection": "close"})


class BodyTooSlow(HTTPException):
    """It had not come whole when the time was over."""

    def __init__(self) -> None:
        super().__init__(408, "The request took too long.", {"Connection": "close"})


async def read_ahead(receive: Receive, most: int) -> Receive:
    """What gives the request once more, its body in one piece where that has up to so many bytes. One that was too large or too slow
    says so to whoever asks for its body, and to nobody else: one click needs none."""
    body = _Body(most)
    came: Message | None = None
    fault: HTTPException | None = None
    try:
        async with asyncio.timeout(WITHIN):
            came = await body.read(receive)
    except TimeoutError:
        fault = BodyTooLarge() if body.too_large else BodyTooSlow()
    except BodyTooLarge as error:
        fault = error

    async def again() -> Message:
        nonlocal came
        if fault is not None:
            raise fault
        message, came = came, None
        return message or await receive()

    return again


class _Body:
    """What has come of a body: kept up to so many bytes, and beyond them counted."""

    def __init__(self, most: int) -> None:
        self._most, self._kept, self._length = most, bytearray(), 0

    @property
    def too_large(self) -> bool:
        """Whether more has come than is kept."""
        return self._length > self._most

    async def read(self, receive: Receive) -> Message:
        """The whole as one message: kept packet by packet, of some bytes each, it would take a hundred times as much. `BodyTooLarge`
        once all of it has come, or more than anybody hears."""
        more = True
        while more and self._length <= MOST_HEARD:
            message = await receive()
            if message["type"] != "http.request":  # they have gone
                return message
            self._keep(message.get("body", b""))
            more = message.get("more_body", False)
        if self.too_large:
            raise BodyTooLarge
        return {"type": "http.request", "body": bytes(self._kept), "more_body": False}

    def _keep(self, piece: bytes) -> None:
        self._length += len(piece)
        if self.too_large:
            self._kept.clear()
        else:
            self._kept += piece

"""Bodies: read whole before anybody works on them, kept up to a bound, within a deadline. Who sends slowly holds up nobody.

What is beyond the bound is read all the same, and let go of: whoever was answered while they still speak, and is hung up on, may
never hear the answer; nginx says 502 in its place.
"""

from __future__ import annotations

import asyncio

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

MOST_BYTES = 64 * 1024
"""The largest body of a page that is kept."""

WITHIN = 10.0
"""Seconds in which a body has to be there."""


class BodyTooLarge(HTTPException):
    """More was sent than is kept."""

    def __init__(self) -> None:
        super().__init__(413, "The request is too large.")


class BodyTooSlow(HTTPException):
    """It had not come whole when the time was over."""

    def __init__(self) -> None:
        super().__init__(408, "The request took too long.", {"Connection": "close"})


async def read_ahead(receive: Receive, most: int) -> Receive:
    """What gives the request once more, read whole, of up to so many bytes. One that was too large or too slow says so to whoever asks for its body,
    and to nobody else: one click needs none."""
    came: Message | None = None
    fault: HTTPException | None = None
    try:
        async with asyncio.timeout(WITHIN):
            came = await _read(receive, most)
    except TimeoutError:
        fault = BodyTooSlow()
    except BodyTooLarge as error:
        fault = error

    async def again() -> Message:
        nonlocal came
        if fault is not None:
            raise fault
        message, came = came, None
        return message or await receive()

    return again


async def _read(receive: Receive, most: int) -> Message:
    """The whole body as one message: kept packet by packet, of some bytes each, it would take a hundred times as much."""
    body, too_large = bytearray(), False
    while True:
        message = await receive()
        if message["type"] != "http.request":  # they have gone
            return message
        if not too_large:
            body += message.get("body", b"")
            too_large = len(body) > most
        if too_large:
            body.clear()
        if not message.get("more_body", False):
            break
    if too_large:
        raise BodyTooLarge
    return {"type": "http.request", "body": bytes(body), "more_body": False}

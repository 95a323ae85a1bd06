"""Whom SendGrid can carry, and the requests in which it does: as few as its limits allow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from digest.delivery.providers.addresses import is_carriable
from digest.delivery.providers.sendgrid_request import (
    MOST_BYTES,
    MOST_SUBSTITUTION_BYTES,
    group,
    has_too_long_values,
    write_request,
)
from digest.rendering.content import Envelope
from digest.rendering.rendition import Rendition


def sort_out(rendition: Rendition, envelopes: Sequence[Envelope]) -> tuple[list[int], dict[int, str]]:
    """The positions SendGrid can carry, and the others with what stands against them."""
    refused: dict[int, str] = {}
    for position, envelope in enumerate(envelopes):
        if not is_carriable(envelope.address):
            refused[position] = "the address is not one that SendGrid can carry"
        elif has_too_long_values(rendition, envelope):
            refused[position] = f"the personal values take more than the {MOST_SUBSTITUTION_BYTES:,} bytes that SendGrid carries"
    return [position for position in range(len(envelopes)) if position not in refused], refused


def requests(rendition: Rendition, envelopes: Sequence[Envelope], positions: list[int]) -> Iterator[tuple[list[int], bytes]]:
    """The requests that carry some positions, as they are posted, each with its positions."""
    for part in group([envelopes[position] for position in positions]):
        yield from fit(rendition, envelopes, [positions[at] for at in part])


def fit(rendition: Rendition, envelopes: Sequence[Envelope], positions: list[int]) -> Iterator[tuple[list[int], bytes]]:
    """The requests for some positions, as they are posted: halved as long as one is larger than SendGrid takes."""
    body = write_request(rendition, [envelopes[position] for position in positions])
    if len(body) <= MOST_BYTES or len(positions) == 1:
        yield positions, body
        return
    half = len(positions) // 2
    yield from fit(rendition, envelopes, positions[:half])
    yield from fit(rendition, envelopes, positions[half:])

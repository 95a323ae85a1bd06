"""What builds the messages that SMTP carries: as they are, or signed."""

from __future__ import annotations

from collections.abc import Callable

from digest.delivery.providers.dkim_signature import DkimSigner
from digest.delivery.providers.smtp_transaction import Builder, stuff, wire_builder
from digest.rendering.mime import MessageBuilder
from digest.rendering.rendition import Rendition


def signing(signer: DkimSigner | None) -> Callable[[Rendition], Builder]:
    """What builds the messages of a rendition for the wire, signed where there is a signer."""
    if signer is None:
        return wire_builder
    sign = signer.sign

    def for_rendition(rendition: Rendition) -> Builder:
        build = MessageBuilder(rendition).build
        return lambda envelope, date: [stuff(sign(build(envelope, date)))]

    return for_rendition


def kept(make: Callable[[Rendition], Builder], most: int = 4) -> Callable[[Rendition], Builder]:
    """`make`, whose builders of the last few renditions are kept: connections that carry one rendition encode what is shared once.

    A rendition is known by what it is and not by what it says, all of which would have to be compared.
    """
    known: tuple[tuple[Rendition, Builder], ...] = ()  # replaced, never changed: of two threads that ask at once both make it

    def of(rendition: Rendition) -> Builder:
        nonlocal known
        for one, builder in known:
            if one is rendition:
                return builder
        builder = make(rendition)
        known = ((rendition, builder), *known[: most - 1])
        return builder

    return of

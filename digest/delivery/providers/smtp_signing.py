"""What builds the messages that SMTP carries: as they are, or signed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from digest.delivery.providers.dkim_signature import DkimSigner
from digest.rendering.content import Envelope
from digest.rendering.mime import MessageBuilder
from digest.rendering.rendition import Rendition

Build = Callable[[Envelope, datetime], bytes]


def signing(signer: DkimSigner | None) -> Callable[[Rendition], Build]:
    """What builds the messages of a rendition: complete, with CRLF, and signed where there is a signer."""
    if signer is None:
        return lambda rendition: MessageBuilder(rendition).build
    sign = signer.sign

    def for_rendition(rendition: Rendition) -> Build:
        build = MessageBuilder(rendition).build
        return lambda envelope, date: sign(build(envelope, date))

    return for_rendition

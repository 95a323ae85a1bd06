"""The envelope sender of a message: where its bounces go."""

from __future__ import annotations

from digest.delivery.mailed.bounce_address import BounceAddress
from digest.delivery.providers.port import Ahead
from digest.rendering.content import Envelope
from digest.rendering.rendition import Rendition
from digest.settings import SmtpSettings


class EnvelopeSender:
    """The sender of the mail; where a bounce address is configured, one made of that for each delivery."""

    def __init__(self, relay: SmtpSettings) -> None:
        self._bounces = None if relay.bounce_address is None else BounceAddress(relay.bounce_address)

    def of(self, rendition: Rendition, envelope: Envelope) -> str:
        """Of one message."""
        return rendition.sender.address if self._bounces is None else self._bounces.of(envelope)

    def of_next(self, rendition: Rendition, ahead: Ahead) -> str:
        """Of the one that follows; its envelope is made only where it says something."""
        return rendition.sender.address if self._bounces is None else self._bounces.of(ahead.make())

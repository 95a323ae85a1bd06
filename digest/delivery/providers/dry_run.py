"""The provider of a dry run: everything is accepted, nobody is contacted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Self

from digest.delivery.providers.port import Answer, Outcome, Provider
from digest.rendering.content import Envelope
from digest.rendering.rendition import Rendition
from digest.settings import Settings


class DryRun:
    """Accepts and describes. Around another provider it keeps that one's batches and describes its requests."""

    name = "dry-run"

    def __init__(self, settings: Settings) -> None:
        self._inner: Provider | None = None
        self.batch_limit = 1000

    @classmethod
    def around(cls, provider: Provider) -> Self:
        """A dry run of `provider`, whose transports are never opened."""
        self = cls.__new__(cls)
        self._inner, self.batch_limit = provider, provider.batch_limit
        return self

    def open(self) -> DryTransport:
        """A transport that goes nowhere."""
        return DryTransport()

    def describe(self, rendition: Rendition, envelopes: Sequence[Envelope], date: datetime) -> list[dict[str, Any]]:
        """What the provider around which this is would be sent; of its own, one entry per message."""
        if self._inner is not None:
            return self._inner.describe(rendition, envelopes, date)
        sender = rendition.sender.address
        return [{"provider": self.name, "mail_from": sender, "rcpt_to": envelope.address} for envelope in envelopes]


class DryTransport:
    """Takes everything and sends nothing."""

    def send(self, rendition: Rendition, envelopes: Sequence[Envelope], date: datetime) -> Answer:
        """Accept every envelope."""
        return Answer((Outcome.ACCEPTED,) * len(envelopes))

    def close(self) -> None:
        """Nothing is open."""

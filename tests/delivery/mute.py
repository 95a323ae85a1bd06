"""A provider that another process can make, and that carries nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Self

from digest.delivery.providers.answer import Answer, Outcome
from digest.rendering.content import Envelope
from digest.rendering.rendition import Rendition
from digest.settings import Settings


class Mute:
    """Refuses everybody."""

    name = "mute"
    batch_limit = 1

    def __init__(self, settings: Settings | None) -> None:
        self.made_of = settings

    def open(self) -> Self:
        """As `Provider.open`."""
        return self

    def send(self, rendition: Rendition, envelopes: Sequence[Envelope], date: datetime) -> Answer:
        """As `Transport.send`."""
        return Answer((Outcome.REJECTED,) * len(envelopes), texts={0: "mute"})

    def describe(self, rendition: Rendition, envelopes: Sequence[Envelope], date: datetime) -> list[dict[str, Any]]:
        """As `Provider.describe`."""
        return []

    def close(self) -> None:
        """As `Transport.close`."""

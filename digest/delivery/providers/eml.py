"""A folder with a file for each mail, `DELIVERY.eml`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from digest.delivery.providers.folder import BATCH, FolderTransport
from digest.rendering.content import Envelope
from digest.rendering.rendition import Rendition
from digest.settings import Settings


class Eml:
    """A folder of `.eml` files. No idempotency key: who picks files up and takes them away would get one twice."""

    name = "eml"
    batch_limit = BATCH

    def __init__(self, settings: Settings) -> None:
        self._named = settings.providers.eml.path
        self._folder = settings.resolve(self._named)

    @property
    def folders(self) -> tuple[Path, ...]:
        """The one there is."""
        return (self._folder,)

    def places(self, delivery_id: str) -> tuple[Path, Path]:
        """Hidden while it is written."""
        return self._folder / f".{delivery_id}.part", self._folder / f"{delivery_id}.eml"

    def open(self) -> FolderTransport:
        """A transport; there is nothing to open."""
        return FolderTransport(self)

    def describe(self, rendition: Rendition, envelopes: Sequence[Envelope], date: datetime) -> list[dict[str, Any]]:
        """Which files would be written."""
        return [
            {"provider": self.name, "rcpt_to": envelope.address, "file": self._name(envelope.delivery_id)}
            for envelope in envelopes
        ]

    def _name(self, delivery_id: str) -> str:
        return str(self._named / self.places(delivery_id)[1].relative_to(self._folder))

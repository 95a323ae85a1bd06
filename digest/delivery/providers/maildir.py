"""A Maildir, as mail programs read it: each mail is written into `tmp` and moved to `new`, under its delivery's id."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from digest.delivery.providers.folder import BATCH, FolderTransport
from digest.rendering.content import Envelope
from digest.rendering.rendition import Rendition
from digest.settings import Settings


class Maildir:
    """A Maildir. No idempotency key: a reader moves what it has seen to `cur`, and a mail written again would be new."""

    name = "maildir"
    batch_limit = BATCH

    def __init__(self, settings: Settings) -> None:
        self._named = settings.providers.maildir.path
        self._folder = settings.resolve(self._named)

    @property
    def folders(self) -> tuple[Path, ...]:
        """The three of a Maildir."""
        return self._folder / "tmp", self._folder / "cur", self._folder / "new"

    def places(self, delivery_id: str) -> tuple[Path, Path]:
        """`tmp`, then `new`."""
        return self._folder / "tmp" / delivery_id, self._folder / "new" / delivery_id

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

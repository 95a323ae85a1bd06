"""Recalling: what sources remember, read from the store before they are fetched."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from digest.catalogue.memory import Memory
from digest.settings import SourceSettings
from digest.store import tables


def recall(connection: Connection, sources: Sequence[SourceSettings]) -> tuple[dict[str, Memory], dict[str, datetime]]:
    """What each of `sources` remembers, and until when some were asked to wait, by their names."""
    kept = {row.name: row for row in connection.execute(select(tables.source)).all()}
    known = [(source, kept[source.name]) for source in sources if source.name in kept]
    memories = {source.name: Memory.of(row.memory, source) for source, row in known}
    return memories, {source.name: row.paused_until for source, row in known if row.paused_until is not None}

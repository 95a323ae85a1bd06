"""The source port: where articles come from.

A source is found by the entry point group `digest.sources`; its class takes `(settings: SourceSettings, context:
SourceContext)`. Reading never touches the store.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from digest.catalogue.article import Entry
from digest.catalogue.memory import Memory
from digest.catalogue.sources.parsers import Parsers
from digest.catalogue.visiting import Visits


@dataclass(frozen=True, slots=True)
class SourceContext:
    """What a source may know of the project: its folder, and the zone of times that carry none.

    `visits` is how it asks for pages, `parsers` where feeds are parsed; all sources of a run share them.
    """

    project: Path
    timezone: ZoneInfo
    visits: Visits = field(default_factory=Visits)
    parsers: Parsers | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """One entry, or one key of it, that could not be taken as it stands.

    `place` says where ("entry 3", "line 12"), `field` which key or "", `message` what is wrong and what to do.
    An `error` left the entry out; a warning left only the key out.
    """

    place: str
    field: str
    message: str
    error: bool = True

    def __str__(self) -> str:
        where = f"{self.place}, {self.field}" if self.field else self.place
        return f"{where}: {self.message}"


@dataclass(frozen=True, slots=True)
class Reading:
    """What one fetch of a source brought: good entries in the source's order, and the faults.

    `latest_only` says that the source shows only its latest entries, as feeds do: when one of them is deleted, an old
    one that nobody has seen yet may take its place, and is then not new. `unchanged` says that the source is as it was
    at the last fetch, and was therefore not read. `memory` is kept with the reading, for the next fetch.
    `paused_until` is set where a server asked to be left alone before everything was read.
    """

    entries: tuple[Entry, ...]
    faults: tuple[Fault, ...] = ()
    latest_only: bool = False
    unchanged: bool = False
    memory: Memory | None = None
    paused_until: datetime | None = None


class Source(Protocol):
    """A place articles come from."""

    def read(self) -> Reading:
        """Every entry it offers now. Raises `Unreachable` when it cannot be read at all; stops only itself."""
        ...

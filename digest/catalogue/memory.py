"""What a source remembers from one fetch to the next."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from digest import __version__
from digest.settings import SourceSettings


@dataclass(frozen=True, slots=True)
class Memory:
    """What was seen last time, kept with the reading it belongs to.

    `settings` tells which settings, and which Digest, read it: what others read is forgotten, since "not modified"
    would keep their change from taking effect. `moved_to` is where the server said for good that the address is now.
    `pages` are for a source of many pages: which ones it has dealt with; they are never forgotten by a change of
    settings, because pages of long ago would then be new ones.
    """

    settings: str = ""
    etag: str | None = None
    last_modified: str | None = None
    moved_to: str | None = None
    pages: Mapping[str, str] = field(default_factory=dict)

    def data(self) -> dict[str, Any]:
        """As plain data, for the store."""
        return {name: value for name, value in asdict(self).items() if value}

    @classmethod
    def of(cls, data: Mapping[str, Any] | None, settings: SourceSettings) -> Memory:
        """What `data` holds, when the same settings made it; else nothing but its pages and whose it is."""
        mark = _mark(settings)
        if data and data.get("settings") == mark:
            return cls(**data)
        return cls(settings=mark, pages=(data or {}).get("pages", {}))


def _mark(settings: SourceSettings) -> str:
    said = settings.model_dump_json(exclude={"name", "seed"})  # secrets are masked in it
    return hashlib.sha256(f"{__version__} {said}".encode()).hexdigest()[:32]

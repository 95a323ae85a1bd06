"""Articles, as a source gives them and as the catalogue keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Entry:
    """One piece of content as a source gives it, cleaned: texts are plain, of one line, without control characters.

    `key` is the source's own id (for JSON the canonical URL by default); `canonical_url` is `url` without tracking
    parameters and fragment. Addresses are http(s). Times are aware.
    """

    key: str
    url: str
    canonical_url: str
    title: str
    summary: str = ""
    tags: tuple[str, ...] = ()
    published_at: datetime | None = None
    updated_at: datetime | None = None
    author: str | None = None
    image: str | None = None
    image_alt: str | None = None
    featured: bool = False
    reading_minutes: int | None = None
    language: str | None = None
    popularity: float | None = None


@dataclass(frozen=True, slots=True)
class Article:
    """An entry that the catalogue knows.

    `arrival` is None while a post-dated article waits and 0 when it counts as covered; `seeded_at` is set for
    articles of their source's first fetch.
    """

    id: int
    source: str
    arrival: int | None
    url: str
    title: str
    summary: str
    tags: tuple[str, ...]
    published_at: datetime | None
    updated_at: datetime | None
    author: str | None
    image: str | None
    image_alt: str | None
    featured: bool
    reading_minutes: int | None
    language: str | None
    popularity: float | None
    first_seen_at: datetime
    seeded_at: datetime | None
    withdrawn_at: datetime | None

    def to_json(self) -> dict[str, Any]:
        """As reports say it."""
        names = ("id", "arrival", "title", "url", "tags", "published_at", "featured", "popularity")
        return {name: getattr(self, name) for name in names} | {"withdrawn": self.withdrawn_at is not None}

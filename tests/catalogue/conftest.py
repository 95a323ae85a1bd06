"""What the tests of the catalogue share: an empty store, a context, and a small way to write sources and entries."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, create_engine

from digest.catalogue.article import Entry
from digest.catalogue.sources.port import SourceContext
from digest.settings import SourceSettings
from digest.store import tables
from tests.catalogue.site import Site, serving
from tests.databases import Databases

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def connection(tmp_path: Path, database: Databases) -> Iterator[Connection]:
    engine = create_engine(database.url(tmp_path))
    tables.metadata.create_all(engine)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as site:
        yield site


@pytest.fixture
def context(tmp_path: Path) -> SourceContext:
    return SourceContext(tmp_path, ZoneInfo("Europe/Berlin"))


@pytest.fixture
def source() -> Callable[..., SourceSettings]:
    def make(name: str = "blog", kind: str = "json", **values: Any) -> SourceSettings:
        place = {} if "url" in values or "path" in values else {"path": "articles.json"}
        return SourceSettings.model_validate({"name": name, "kind": kind, **place, **values})

    return make


@pytest.fixture
def entry() -> Callable[..., Entry]:
    def make(key: str, *, days: float | None = 1, **values: Any) -> Entry:
        """An entry published `days` ago; of another address with `url`."""
        url = values.pop("url", f"https://backend.example/{key}")
        published_at = None if days is None else NOW - timedelta(days=days)
        return Entry(
            key=key, url=url, canonical_url=url, title=values.pop("title", f"About {key}"), published_at=published_at, **values
        )

    return make

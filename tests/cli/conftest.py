"""A project for every command."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.project import MONDAY, Project, a_project, article


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Ann follows everything and Bob Python; there are two articles, and no issue yet."""
    with a_project(tmp_path) as made:
        made.join("ann@x.example")
        made.join("bob@x.example", "python")
        made.offer(article("a"), article("b", tags=("databases",)))
        yield made


@pytest.fixture
def drafted(project: Project) -> Project:
    """The same project with a draft of its first issue."""
    assert project.command("issues", "draft", "weekly", "--now", MONDAY.isoformat()).returncode == 0
    return project

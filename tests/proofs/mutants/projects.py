"""A project of two people, on which mistakes about who is sent to are proven."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from digest.testing.smtp_sink import Now
from digest.testing.smtp_talk import React
from tests.journeys.project import Project, a_project, article
from tests.proofs.invariants import judge


@contextmanager
def projects(script: Callable[[Now], React | None] | None = None) -> Iterator[Project]:
    """A project with two subscribers and one article."""
    with tempfile.TemporaryDirectory(prefix="digest-mutant-") as folder, a_project(Path(folder), script) as project:
        for name in ("ann", "bob"):
            project.join(f"{name}@x.example")
        project.offer(article("a"))
        yield project


def arrived(project: Project) -> dict[str, int]:
    """Who got how many."""
    counts: dict[str, int] = {}
    for one in project.sink.arrived:
        counts[one.rcpt_to] = counts.get(one.rcpt_to, 0) + one.accepted
    return {address: count for address, count in counts.items() if count}


def hold(project: Project, *, finished: bool = True) -> None:
    """Everything that must hold, of the project's one issue."""
    with project.app() as app, app.store.reading() as connection:
        judge(connection, arrived(project), finished=finished)

"""Canaries in the processes of several workers, while the provider fails most of what it is asked and repeats all of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.databases import Databases, Server, eventually
from tests.journeys.canaries import nothing_stands_in
from tests.journeys.collector import collecting
from tests.journeys.crew import WORKERS, a_crew_of_processes
from tests.journeys.project import MONDAY
from tests.journeys.test_canaries_of_processes import a_planted_project

pytestmark = pytest.mark.proof  # three processes live; `make proofs` runs it


@pytest.mark.parametrize("form", ["json", "console"])
def test_no_canary_is_seen_of_workers(tmp_path: Path, postgresql: Server, database: Databases, form: str) -> None:
    with collecting() as collector, a_planted_project(tmp_path, collector) as (project, stub):
        project.environment |= WORKERS | {"DIGEST_LOGGING__FORMAT": form}
        with a_crew_of_processes(project, 2) as said:
            ran = project.process("run", "--now", MONDAY.isoformat())
            lines = [*ran.communicate(timeout=120)]
            eventually(lambda: len(stub.requests) >= 3)
        lines += said
    assert any("is at work" in line for line in lines)
    nothing_stands_in("".join(lines))
    for one in collector.bodies:
        assert b"canary" not in one
    assert {"run", "batch", "send"} <= {one.name for one in collector.spans}
    nothing_stands_in(str(collector.events))

"""Imports that are killed, and imports at once: nobody is lost, and nobody comes twice."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from digest.audience.finding import count
from digest.audience.importing import ROWS_AT_ONCE
from tests.databases import Databases, eventually
from tests.journeys.project import Project, a_project

pytestmark = pytest.mark.proof

GHOST = "id,email,name,note,subscribed_to_emails,complimentary_plan,stripe_customer_id,created_at,deleted_at,labels,tiers\n"


@pytest.fixture
def project(tmp_path: Path, database: Databases) -> Iterator[Project]:
    with a_project(tmp_path) as made:
        made.join("ann@x.example")
        made.join("bob@x.example")
        yield made


def written(project: Project, name: str, content: str) -> str:
    (project.folder / name).write_text(content, encoding="utf-8")
    return name


def how_many(project: Project) -> int:
    with project.app() as app, app.store.reading() as connection:
        return count(connection)


def test_an_import_that_was_killed_is_run_again_and_is_whole(project: Project) -> None:
    many = 2 * ROWS_AT_ONCE + 1
    written(project, "members.csv", GHOST + "".join(f"{n},r{n}@x.example,,,true,false,,,,,\n" for n in range(many)))
    killed = project.process("subscribers", "import", "members.csv")
    eventually(lambda: how_many(project) > 2, 120)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    got = json.loads(project.command("subscribers", "import", "members.csv", "--json").stdout)
    assert got["rows"] == many == got["added"] + got["unchanged"]
    assert got["unchanged"] >= ROWS_AT_ONCE
    assert how_many(project) == many + 2


def test_two_imports_at_once_take_turns(project: Project) -> None:
    rows = {name: "".join(f"{name}{n}@x.example,yes\n" for n in range(ROWS_AT_ONCE)) for name in ("a", "b")}
    same = "".join(f"both{n}@x.example,yes\n" for n in range(200))
    imports = [
        project.process("subscribers", "import", written(project, f"{name}.csv", f"email,confirmed\n{rows[name]}{same}"))
        for name in rows
    ]
    for one in imports:
        out, err = one.communicate(timeout=240)
        assert (one.returncode, err) == (0, ""), out
    assert how_many(project) == 2 * ROWS_AT_ONCE + 202

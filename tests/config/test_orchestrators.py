"""The Python of the page on orchestrators, as it stands there: each exit code, and one real run."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from digest.shipped import shipped
from tests.journeys.project import MONDAY, a_project, article

PAGE = (shipped("config").parent / "docs" / "how-to" / "orchestrators.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def run_digest() -> Callable[..., Any]:
    """The function, from the page's first block."""
    names: dict[str, Any] = {"__name__": __name__}
    exec(compile(BLOCKS[0], "orchestrators.md", "exec"), names)
    return names["run_digest"]  # type: ignore[no-any-return]  # it is the page's, which has no types


@pytest.mark.parametrize(
    ("does", "verdict"),
    [
        ("""echo '{"issues": ["weekly/1"]}'; exit 0""", "success"),
        ("""echo '{"issues": []}'; exit 0""", "skip"),
        ("""echo '{"issues": []}'; exit 1""", "success"),
        ("echo 'Traceback' >&2; exit 1", "fail"),
        ("echo 'digest: a wrong key' >&2; exit 2", "fail"),
        ("""echo '{"issues": []}'; exit 3""", "fail"),
        ("exit 4", "retry"),
        ("exit 5", "retry"),
        ("kill -KILL $$", "fail"),
        ("exit 0", "fail"),  # no report is no success
    ],
)
def test_every_exit_code_has_a_verdict(run_digest: Callable[..., Any], tmp_path: Path, does: str, verdict: str) -> None:
    program = tmp_path / "digest"
    program.write_text(f'#!/bin/sh\n[ "$1 $2 $3 $4" = "run --json --wait 10m" ] || exit 99\n{does}\n', encoding="utf-8")
    program.chmod(0o755)
    assert run_digest(tmp_path, program=str(program)).verdict == verdict


def test_a_real_run_is_a_success_and_the_next_is_skipped(
    run_digest: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = str(Path(sys.executable).with_name("digest"))
    with a_project(tmp_path) as project:
        project.join("ann@x.example")
        project.offer(article("a"))
        for name, value in project.environment.items():
            monkeypatch.setenv(name, value)
        outcomes = [run_digest(project.folder, "--now", MONDAY.isoformat(), program=program) for _ in range(2)]
        assert [(one.verdict, one.code) for one in outcomes] == [("success", 0), ("skip", 0)], outcomes
        assert outcomes[0].report["issues"][0]["issue"] == "weekly/1"
        assert "ann@x.example" not in str(outcomes)
        assert len(project.mails("ann@x.example")) == 1


@pytest.mark.parametrize("block", BLOCKS[1:], ids=["airflow", "dagster", "prefect"])
def test_what_was_not_run_can_at_least_be_read_and_minds_every_verdict(block: str) -> None:
    ast.parse(block)
    assert set(re.findall(r'verdict == "(\w+)"', block)) >= {"retry", "fail"}
    assert 'run_digest("/srv/digest", program="/opt/digest/bin/digest")' in block

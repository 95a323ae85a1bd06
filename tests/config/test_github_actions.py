"""The workflow for GitHub Actions: what it may do, and its very lines of shell, against PostgreSQL."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from digest.settings.reading import read_settings
from digest.settings.variables import unknown_variables
from digest.shipped import shipped
from tests.databases import Databases, eventually
from tests.journeys.project import MONDAY, Project, a_project, article

FILE = shipped("config") / "github-actions" / "digest.yml"
WORKFLOW: dict[Any, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
JOB = WORKFLOW["jobs"]["run"]
SHELL = ("bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c")  # what a runner takes, more strictly than by default


def script(name: str) -> str:
    """The lines of a step."""
    (found,) = (step["run"] for step in JOB["steps"] if step.get("name") == name)
    return str(found)


def a_shell(folder: Path, lines: str, programs: Path, environment: Mapping[str, str]) -> subprocess.Popen[str]:
    """A step, as a runner starts it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DIGEST_")}
    env = kept | {"PATH": f"{programs}:{kept.get('PATH', '')}"} | dict(environment)
    return subprocess.Popen([*SHELL, lines], cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def a_digest(folder: Path, lines: str) -> Path:
    """A folder with a `digest` that does no more than these lines."""
    program = folder / "digest"
    program.write_text(f"#!/bin/sh\n{lines}\n", encoding="utf-8")
    program.chmod(0o755)
    return folder


def test_it_may_read_the_repository_and_nothing_else_and_never_runs_twice_at_once() -> None:
    assert WORKFLOW["permissions"] == {"contents": "read"}
    assert "permissions" not in JOB
    assert WORKFLOW["concurrency"] == {"group": "digest", "cancel-in-progress": False}
    assert set(WORKFLOW[True]) == {"schedule", "workflow_dispatch"}  # YAML takes `on` for true; never a request from a fork
    assert all(re.fullmatch(r"actions/[\w-]+@v\d+", step["uses"]) for step in JOB["steps"] if "uses" in step)
    assert JOB["steps"][0]["with"]["persist-credentials"] is False
    assert not any("${{" in step.get("run", "") for step in JOB["steps"])  # what somebody types in never is a part of a script


def test_what_it_sets_digest_knows_and_secrets_come_from_secrets_alone() -> None:
    variables = {name: value for name, value in JOB["env"].items() if name.startswith("DIGEST_")}
    assert list(unknown_variables(variables)) == []
    for name, value in variables.items():
        assert value in (f"${{{{ secrets.{name} }}}}", "none")


def test_its_lines_run_a_project_on_postgresql_without_a_second_place(
    postgresql: object, database: Databases, tmp_path: Path
) -> None:
    with a_project(tmp_path) as project:
        project.join("ann@x.example")
        project.offer(article("a"))
        secrets = project.environment | {"DIGEST_SECRET_KEY": project_key(project), "DRY_RUN": f"--now {MONDAY.isoformat()}"}
        (project.folder / ".env").unlink()  # a checkout has none
        env = {name: value for name, value in JOB["env"].items() if "secrets." not in value} | secrets
        for step in ("Bring the database to this version", "Run"):
            shell = a_shell(project.folder, script(step), Path(sys.executable).parent, env)
            said, wrong = shell.communicate(timeout=120)
            assert shell.returncode == 0, said + wrong
        assert project.read("ann@x.example") == [["a"]]
        assert '"issue": "weekly/1"' in said
        assert "ann@x.example" not in said + wrong  # logs of a public repository are public
        assert not list(project.folder.glob("*.epoch"))


def project_key(project: Project) -> str:
    """The secret key that `init` wrote."""
    return read_settings(project.folder / "config" / "digest.toml", {}).secret_key.get_secret_value()


@pytest.mark.parametrize(
    ("does", "code", "says"),
    [
        ("echo '{}'; exit 0", 0, "{}"),
        ("echo '{}'; exit 1", 0, "::warning::"),
        ("exit 1", 1, ""),  # no report: it fell over
        ("exit 2", 2, ""),
        ("echo '{}'; exit 3", 3, ""),
        ("exit 4", 0, "::notice::"),
        ("exit 5", 5, ""),
    ],
)
def test_an_exit_code_becomes_what_the_job_is(tmp_path: Path, does: str, code: int, says: str) -> None:
    shell = a_shell(tmp_path, script("Run"), a_digest(tmp_path, does), {"DRY_RUN": ""})
    said, _ = shell.communicate(timeout=30)
    assert (shell.returncode, says in said) == (code, True)


def test_a_job_that_is_cancelled_lets_digest_end(tmp_path: Path) -> None:
    lines = "trap 'sleep 0.3; echo finished; kill $S; exit 3' TERM\nsleep 60 & S=$!\ntouch begun\nwait"
    shell = a_shell(tmp_path, script("Run"), a_digest(tmp_path, lines), {"DRY_RUN": ""})
    eventually((tmp_path / "begun").exists)
    shell.send_signal(signal.SIGINT)
    shell.send_signal(signal.SIGTERM)
    said, _ = shell.communicate(timeout=30)
    assert (shell.returncode, "finished" in said) == (3, True)

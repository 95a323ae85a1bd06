"""The built wheel, in an empty environment, far from the checkout: what a user gets by `pip install`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.wheel

CHECKOUT = Path(__file__).parents[1]


def _environ() -> dict[str, str]:
    """This process's environment without what could lead back to the checkout or to a project."""
    ours = ("DIGEST_", "COV_", "COVERAGE_")
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(ours) and name not in {"PYTHONPATH", "VIRTUAL_ENV"}
    }


def _run(*command: str | Path, folder: Path) -> str:
    done = subprocess.run(
        [str(part) for part in command], cwd=folder, env=_environ(), capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    _run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, CHECKOUT, folder=CHECKOUT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def digest(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The installed command. Its dependencies come from the package registry: without one, this fails and pip says so."""
    home = tmp_path_factory.mktemp("environment")
    venv.create(home, with_pip=True)
    _run(home / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel, folder=home)
    return home / "bin/digest"


def _names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts}


def test_the_wheel_carries_what_users_copy_and_nothing_of_the_workshop(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("templates", "config"):
        assert {f"digest/_shipped/{folder}/{name}" for name in _names(CHECKOUT / folder)} <= names
    assert {f"digest/web/pages/{name}" for name in _names(CHECKOUT / "digest" / "web" / "pages")} <= names
    assert "digest/_shipped/articles.json" in names
    assert "digest/py.typed" in names
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"digest"}


def test_init_makes_a_project_from_the_wheel(digest: Path, tmp_path: Path) -> None:
    _run(digest, "init", "project", folder=tmp_path)
    project = tmp_path / "project"
    assert _names(project / "templates") == _names(CHECKOUT / "templates")
    assert (project / "articles.json").read_bytes() == (CHECKOUT / "articles.json").read_bytes()
    assert {"config/digest.toml", ".env", ".env.example"} <= _names(project)
    _run(digest, "config", "check", folder=project)


def test_demo_runs_from_the_wheel_in_an_empty_folder(digest: Path, tmp_path: Path) -> None:
    said = _run(digest, "demo", folder=tmp_path)
    (issue,) = (tmp_path / "outbox").iterdir()
    assert str(issue.relative_to(tmp_path) / "index.html") in "".join(said.split())
    assert {"index.html", "requests.jsonl", "recipients.csv", "summary.json"} <= _names(issue)
    for folder, pattern in (("renditions", "*.html"), ("renditions", "*.txt"), ("messages", "*.eml")):
        assert list((issue / folder).glob(pattern))
    summary = json.loads((issue / "summary.json").read_text(encoding="utf-8"))
    assert summary["newsletter"] == "weekly"
    assert summary["renditions"]

"""The units for systemd: right in systemd's own eyes, hardened, and of commands that there are."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from digest.cli.reference import names
from digest.settings.project import init_project
from digest.shipped import shipped

UNITS = shipped("config") / "systemd"
DIGEST = "/opt/digest/bin/digest"
BEGAN = datetime(2026, 11, 20, 12, tzinfo=UTC)
MOST_EXPOSED = 15  # tenths; systemd calls up to 2.0 safe


def analyze(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """What systemd-analyze says; without it the test is skipped, but in CI, which has it."""
    program = shutil.which("systemd-analyze")
    if program is None:
        assert os.environ.get("CI") != "true", "systemd-analyze is missing, and CI must have it"
        pytest.skip("systemd-analyze is not installed")
    return subprocess.run([program, *arguments], cwd=folder, capture_output=True, text=True, check=False)


def units(project: Path) -> Path:
    """The units of a project, as one copies them, with the `digest` of these tests."""
    init_project(project, BEGAN)
    folder = project / "config" / "systemd"
    (folder / "digest-worker@.service").rename(folder / "digest-worker@1.service")
    (folder / "digest-.service.d" / "30-credentials.conf").write_bytes((folder / "credentials.conf").read_bytes())
    for unit in folder.glob("*.service"):
        here = str(Path(sys.executable).with_name("digest"))
        unit.write_text(unit.read_text(encoding="utf-8").replace(DIGEST, here), encoding="utf-8")
    return folder


def verified(folder: Path) -> str:
    """What systemd finds wrong with all of them."""
    files = sorted(file.name for kind in ("service", "timer") for file in folder.glob(f"*.{kind}"))
    done = analyze("verify", "--man=no", *(f"./{file}" for file in files), folder=folder)
    return done.stderr if done.returncode or done.stderr else ""


@pytest.mark.parametrize("name", ["news", 'my "news" \\ 100%i'])
def test_systemd_finds_nothing_wrong_with_the_units_of_a_project_whatever_its_name(tmp_path: Path, name: str) -> None:
    assert verified(units(tmp_path / name)) == ""


def test_systemd_would_find_a_mistake_in_what_holds_for_all(tmp_path: Path) -> None:
    folder = units(tmp_path)
    with (folder / "digest-.service.d" / "20-hardened.conf").open("a", encoding="utf-8") as file:
        file.write("ProtectHomes=yes\n")
    assert "ProtectHomes" in verified(folder)


def test_each_service_is_hardened(tmp_path: Path) -> None:
    folder = units(tmp_path)
    for unit in sorted(folder.glob("*.service")):
        done = analyze("security", "--offline=yes", f"--threshold={MOST_EXPOSED}", f"./{unit.name}", folder=folder)
        assert done.returncode == 0, done.stdout


def test_each_unit_is_of_a_command_that_there_is_and_of_what_holds_for_all() -> None:
    services = sorted(UNITS.glob("*.service"))
    assert len(services) == 5
    for service in services:
        text = service.read_text(encoding="utf-8")
        commands = re.findall(rf"{DIGEST} (\w+)", text)
        assert commands, service.name
        assert set(commands) <= set(names()), service.name
        assert service.name.startswith("digest-")  # else `digest-.service.d` is none of its
        if "Type=exec" in text:
            assert "ExecReload=/bin/kill -HUP $MAINPID" in text
    shared = (UNITS / "digest-.service.d" / "10-project.conf").read_text(encoding="utf-8")
    (patience,) = re.findall(r"^TimeoutStopSec=(\d+)$", shared, re.MULTILINE)
    assert 10 < int(patience) <= 20  # Digest ends within ten seconds
    assert {timer.stem for timer in UNITS.glob("*.timer")} == {"digest-run", "digest-backup"}

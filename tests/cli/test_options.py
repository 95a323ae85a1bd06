"""Options that every command shares: where the configuration is, and what time it is."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from digest.cli.options import moment
from digest.errors import UsageError
from tests.journeys.project import MONDAY, Project, said_by


def test_the_configuration_may_be_named_before_and_after_the_command_and_by_the_environment(
    project: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file, elsewhere = str(project.folder / "config" / "digest.toml"), tmp_path_factory.mktemp("elsewhere")
    here = project.command("subscribers", "list").stdout
    assert "ann@x.example" in here
    assert said_by(("--config", file, "subscribers", "list"), elsewhere, {}).stdout == here
    assert said_by(("subscribers", "list", "--config", file), elsewhere, {}).stdout == here
    assert said_by(("subscribers", "list"), elsewhere, {"DIGEST_CONFIG": file}).stdout == here
    assert said_by(("subscribers", "list"), elsewhere, {}).returncode == 2
    assert list(elsewhere.iterdir()) == []


def test_the_nearer_configuration_wins(project: Project) -> None:
    got = project.command("--config", "nowhere.toml", "config", "check", "--config", "config/digest.toml")
    assert got.returncode == 0, got.stderr


def test_everything_of_a_project_lies_in_its_folder_wherever_the_command_was_called(
    project: Project, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    file = str(project.folder / "config" / "digest.toml")
    got = said_by(("run", "--dry-run", "--now", MONDAY.isoformat(), "--config", file), elsewhere, project.environment)
    assert got.returncode == 0, got.stderr
    assert (project.folder / "outbox" / "weekly-1" / "summary.json").exists()
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23T09:00:00Z",
        "2026-11-23T09:00:00+00:00",
        "2026-11-23T10:00+01:00",
        "2026-11-23T09:00",
        "2026-11-23 09:00",
        "20261123T090000Z",
        "2026-W48-1T09:00Z",
    ],
)
def test_now_is_any_time_of_iso_8601_and_without_a_zone_it_is_utc(text: str) -> None:
    assert moment(text) == MONDAY


def test_now_may_be_a_date_alone() -> None:
    assert moment("2026-11-23") == datetime(2026, 11, 23, tzinfo=UTC)
    assert moment(None) is None


@pytest.mark.parametrize("text", ["", "now", "tomorrow", "2026-13-01", "23.11.2026", "9999-12-31T23:59Z", "0001-01-01", "١"])
def test_what_is_no_time_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(UsageError, match="--now: "):
        moment(text)


def test_now_decides_what_is_due(project: Project, tmp_path: Path) -> None:
    early = project.command("run", "--now", "2026-11-23T08:59:59Z")
    assert (early.returncode, project.sink.arrived) == (0, [])
    assert project.command("run", "--now", "2026-11-23T10:00:00+01:00").returncode == 0
    assert len(project.sink.arrived) == 2

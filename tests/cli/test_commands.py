"""What holds for every command: help, one line for wrong usage, an exit code for every end, secrets never shown."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from digest.cli.reference import names
from digest.store.locking import file_lock
from tests.journeys.project import MONDAY, Project, said_by

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "commands.md"
NOW = MONDAY.isoformat()


@pytest.mark.parametrize("name", sorted(names()))
def test_every_command_explains_itself_without_a_project(tmp_path: Path, name: str) -> None:
    got = said_by((*name.split(), "--help"), tmp_path, {})
    assert got.returncode == 0
    assert f"Usage: digest {name}" in got.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", sorted(names()))
def test_every_command_stands_in_the_reference(name: str) -> None:
    headings = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("## `")]
    assert [line for line in headings if f"{line} ".replace("`", " ").startswith(f"##  digest {name} ")]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("send",), "Missing argument 'ISSUE'; `digest send --help` tells more"),
        (("send", "weekly/1", "weekly/2"), "unexpected extra argument"),
        (("frobnicate",), "No such command 'frobnicate'"),
        (("issues", "frobnicate"), "`digest issues --help` tells more"),
        (("run", "--nope"), "--nope"),
        (("run", "--now"), "--now"),
        (("issues", "resolve", "weekly/1"), "--as"),
        (("issues", "resolve", "weekly/1", "--as", "maybe"), "'accepted', 'not-accepted', 'resend'"),
        (("explain", "weekly/1"), "--subscriber"),
    ],
)
def test_misuse_is_one_line_and_exit_2(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    got = said_by(arguments, tmp_path, {})
    assert (got.returncode, got.stdout) == (2, "")
    (line,) = got.stderr.splitlines()
    assert line.startswith("digest: ")
    assert said in line


def test_without_a_project_every_command_that_needs_one_says_how_to_make_one(tmp_path: Path) -> None:
    for arguments in (("run",), ("issues", "list"), ("doctor",), ("config", "show"), ("subscribers", "list"), ("migrate",)):
        got = said_by(arguments, tmp_path, {})
        assert got.returncode == 2, arguments
        (line,) = got.stderr.splitlines()
        assert "config/digest.toml: no such file; make a project with `digest init`" in line
    assert list(tmp_path.iterdir()) == []


def test_exit_0_when_everything_is_done_and_when_nothing_was_due(project: Project) -> None:
    assert project.command("run", "--now", NOW).returncode == 0
    again = project.command("run", "--now", NOW)
    assert (again.returncode, again.stdout.splitlines()[-1]) == (0, "nothing was due")


def test_exit_1_when_a_source_failed_and_the_rest_was_done(project: Project) -> None:
    project.configure("[[newsletters]]", '[[sources]]\nname = "gone"\nkind = "json"\npath = "gone.json"\n\n[[newsletters]]')
    for arguments in (("articles", "fetch"), ("issues", "draft", "weekly"), ("run",)):
        got = project.command(*arguments, "--now", NOW)
        assert got.returncode == 1, arguments
        (line,) = got.stderr.splitlines()
        assert "gone.json" in line
    assert len(project.sink.arrived) == 2


def test_exit_3_when_it_is_refused(project: Project) -> None:
    project.configure('approval = "automatic"', 'approval = "required"')
    assert project.command("run", "--now", NOW).returncode == 0
    refused = project.command("send", "weekly/1", "--now", NOW)
    assert refused.returncode == 3
    (line,) = refused.stderr.splitlines()
    assert "weekly/1" in line


def test_exit_4_when_something_else_runs_it_just_now(project: Project) -> None:
    with file_lock(project.folder / "digest.db"):
        busy = project.command("run", "--now", NOW)
        assert busy.returncode == 4
        (line,) = busy.stderr.splitlines()
        assert "another `digest run`" in line
        assert project.command("run", "--dry-run", "--now", NOW).returncode == 0
    assert project.sink.arrived == []


@pytest.mark.parametrize(
    "unreachable",
    [
        {"DIGEST_DATABASE__URL": "sqlite:////nowhere/digest.db"},
        {"DIGEST_DATABASE__URL": "postgresql+psycopg://digest:canary@127.0.0.1:1/digest"},
        {"DIGEST_PROVIDERS__SMTP__PORT": "1"},
    ],
)
def test_exit_5_when_the_store_or_the_provider_is_out_of_reach(project: Project, unreachable: dict[str, str]) -> None:
    got = project.command("run", "--now", NOW, **unreachable)
    assert got.returncode == 5
    assert "canary" not in got.stdout + got.stderr
    assert "Traceback" not in got.stderr


def test_a_database_that_is_something_else_is_one_line_and_stays_as_it_is(project: Project) -> None:
    other = project.folder / "other.db"
    other.write_bytes(b"surely not a database " * 100)
    for arguments in (("run",), ("run", "--dry-run"), ("issues", "list"), ("migrate",)):
        got = project.command(*arguments, DIGEST_DATABASE__URL="sqlite:///other.db")
        assert got.returncode == 5, arguments
        (line,) = got.stderr.splitlines()
        assert "other.db" in line
    assert other.read_bytes() == b"surely not a database " * 100


@pytest.mark.parametrize(("arguments", "provider"), [(("--dry-run",), "smtp"), ((), "dry-run")])
def test_a_run_that_only_rehearses_says_so(project: Project, arguments: tuple[str, ...], provider: str) -> None:
    got = project.command("run", *arguments, "--now", NOW, DIGEST_DELIVERY__PROVIDER=provider)
    assert got.returncode == 0
    assert "dry run: nothing was sent, nothing was recorded" in got.stdout.splitlines()
    report = json.loads(project.command("run", *arguments, "--now", NOW, "--json", DIGEST_DELIVERY__PROVIDER=provider).stdout)
    assert report["dry_run"] is True
    assert json.loads(project.command("run", "--now", NOW, "--json").stdout)["dry_run"] is False


def test_an_outbox_that_cannot_be_written_is_one_line(project: Project) -> None:
    (project.folder / "outbox").write_text("in the way", encoding="utf-8")
    for arguments in (("run", "--dry-run", "--now", NOW), ("demo",)):
        got = project.command(*arguments)
        assert got.returncode == 5, arguments
        (line,) = got.stderr.splitlines()
        assert "outbox" in line
    assert project.issues() == []


def test_a_disk_that_is_full_in_the_middle_of_a_file_is_one_line(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # as a write fails: without the file's name

    monkeypatch.setattr("digest.app.demonstrating.demonstrate", full)
    got = project.command("demo")
    assert (got.returncode, got.stderr) == (5, "digest: No space left on device; mend it and run the same again\n")


def test_a_narrow_locale_does_not_stop_a_command(project: Project) -> None:
    project.command("run", "--now", NOW)
    project.command("articles", "feature", "1")
    with project.process("articles", "list", PYTHONIOENCODING="ascii") as process:
        out, err = (stream.encode() for stream in process.communicate(timeout=60))
    assert (process.returncode, err) == (0, b"")
    assert "★".encode() in out


def test_a_reader_that_goes_away_is_no_failure(project: Project) -> None:
    script = "import sys; from digest.cli import main; sys.argv[0] = 'digest'; main()"
    clean = {name: value for name, value in os.environ.items() if not name.startswith("DIGEST_")}
    shell = f'{sys.executable} -c "{script}" config schema | head -c 1'
    got = subprocess.run(
        ["sh", "-c", shell], cwd=project.folder, env=clean, capture_output=True, text=True, timeout=60, check=True
    )
    assert (got.stdout, got.stderr) == ("{", "")


def test_canaries_in_the_environment_never_appear(project: Project) -> None:
    secrets = {
        "DIGEST_PROVIDERS__SMTP__USERNAME": "digest",
        "DIGEST_PROVIDERS__SMTP__PASSWORD": "birdsong-password",
        "DIGEST_PROVIDERS__SENDGRID__API_KEY": "birdsong-api-key",
        "DIGEST_SECRET_KEY": "birdsong-secret-key-0123456789-0123456789",
    }
    for arguments in (
        ("run", "--dry-run", "--all", "--now", NOW),
        ("run", "--now", NOW),
        ("send", "weekly/1", "--test-to", "editor@x.example"),
        ("doctor", "--json"),
        ("doctor",),
        ("config", "show"),
        ("config", "show", "--json"),
        ("config", "check"),
        ("run", "--now", NOW, "--config", "nowhere.toml"),
        ("stats", "weekly/1"),
    ):
        got = project.command(*arguments, **secrets)
        assert "birdsong" not in got.stdout + got.stderr, arguments
    written = [file for file in (project.folder / "outbox").rglob("*") if file.is_file()]
    assert written
    assert [file for file in written if b"birdsong" in file.read_bytes()] == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--now", NOW),
        ("articles", "list"),
        ("issues", "list"),
        ("subscribers", "list"),
        ("config", "show"),
        ("config", "check"),
        ("doctor",),
        ("demo",),
        ("migrate",),
    ],
)
def test_a_report_as_json_is_json_and_nothing_else(project: Project, arguments: tuple[str, ...]) -> None:
    got = project.command(*arguments, "--json")
    assert got.returncode == 0
    assert got.stderr == ""
    json.loads(got.stdout)

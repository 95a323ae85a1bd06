"""Beginning a project."""

from __future__ import annotations

import json
import re
import subprocess
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from digest.errors import UsageError
from digest.settings.project import init_project
from digest.settings.reading import read_settings

NOW = datetime(2026, 11, 22, 10, 30, 15, 999, tzinfo=timezone(timedelta(hours=1)))
CHECKOUT = Path(__file__).parents[2]


def test_a_new_project_can_be_read_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "news letter"
    written = init_project(folder, NOW)
    names = {str(path.relative_to(folder)) for path in written}
    assert {
        "config/digest.toml",
        "config/crontab",
        "config/README.md",
        "articles.json",
        ".env",
        ".env.example",
        ".gitignore",
    } <= names
    assert written[-1] == folder / "config/digest.toml"
    settings = read_settings(folder / "config/digest.toml", {})
    assert settings.started_at == datetime(2026, 11, 22, 9, 30, 15, tzinfo=UTC)
    assert settings.project == folder
    assert len(settings.secret_key.get_secret_value()) >= 43
    assert settings.site.public_url.startswith("https://")


def test_the_sample_is_what_the_design_says(tmp_path: Path) -> None:
    init_project(tmp_path, NOW)
    settings = read_settings(tmp_path / "config/digest.toml", {})
    (newsletter,) = settings.newsletters
    (source,) = settings.sources
    assert (newsletter.slug, newsletter.schedule, newsletter.timezone, newsletter.approval) == (
        "weekly",
        {"weekly": "0 9 * * 1"},
        "UTC",
        "automatic",
    )
    assert (newsletter.max_articles, newsletter.max_per_topic, newsletter.min_articles, newsletter.template) == (
        20,
        10,
        1,
        "weekly",
    )
    assert (settings.delivery.provider, settings.database.url) == ("dry-run", "sqlite:///digest.db")
    assert (source.name, source.kind, str(source.path), source.seed) == ("articles", "json", "articles.json", 20)


def test_the_sample_topics_are_those_of_the_sample_articles() -> None:
    settings = read_settings(CHECKOUT / "config/digest.toml", {"DIGEST_SECRET_KEY": "x" * 32})
    mapped = {tag for topic in settings.newsletters[0].topics.values() for tag in topic.tags}
    loaded = json.loads((CHECKOUT / "articles.json").read_text(encoding="utf-8"))
    articles = loaded["articles"] if isinstance(loaded, dict) else loaded
    assert {tag for article in articles for tag in article["tags"]} == mapped


def test_the_secret_is_private_and_never_the_same(tmp_path: Path) -> None:
    for name in ("a", "b"):
        init_project(tmp_path / name, NOW)
    env = tmp_path / "a" / ".env"
    assert env.stat().st_mode & 0o777 == 0o600
    assert env.read_text() != (tmp_path / "b" / ".env").read_text()
    assert re.search(r"^DIGEST_SECRET_KEY=\S{43}$", env.read_text(), re.MULTILINE)
    assert re.search(r"^DIGEST_SECRET_KEY=$", (tmp_path / "a" / ".env.example").read_text(), re.MULTILINE)


def test_the_cron_line_goes_to_the_project(tmp_path: Path) -> None:
    init_project(tmp_path, NOW)
    line = (tmp_path / "config/crontab").read_text().splitlines()[-1]
    assert line == f"*/15 * * * * cd {tmp_path} && digest run --wait 10m >> digest.log 2>&1"


@pytest.mark.parametrize("name", ["my news", "it's 100% news", "a;b"])
def test_a_shell_finds_the_folder_of_the_cron_line_whatever_its_name(tmp_path: Path, name: str) -> None:
    init_project(tmp_path / name, NOW)
    line = (tmp_path / name / "config/crontab").read_text().splitlines()[-1]
    command = line.removeprefix("*/15 * * * * ").partition(" && ")[0]
    assert re.search(r"(?<!\\)%", command) is None  # cron ends the command at a bare one, and takes the backslash away
    shell = ["sh", "-c", command.replace(r"\%", "%") + " && pwd"]
    assert subprocess.run(shell, capture_output=True, text=True, check=True).stdout == f"{tmp_path / name}\n"


def test_a_project_is_not_begun_twice(tmp_path: Path) -> None:
    init_project(tmp_path, NOW)
    (tmp_path / "articles.json").unlink()
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(UsageError, match=r"config/digest\.toml: is there already, so nothing was changed"):
        init_project(tmp_path, NOW)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_files_that_are_there_are_kept(tmp_path: Path) -> None:
    (tmp_path / "articles.json").write_text("[]")
    (tmp_path / ".env").symlink_to(tmp_path / "nowhere")
    written = init_project(tmp_path, NOW)
    assert (tmp_path / "articles.json").read_text() == "[]"
    assert not {tmp_path / "articles.json", tmp_path / ".env"} & set(written)
    assert not (tmp_path / "nowhere").exists()


def test_a_failure_half_way_names_the_file_and_can_be_repeated(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("a file where a folder must be")
    with pytest.raises(UsageError, match=r"config/\S+: cannot be written: .*; mend it and run `digest init` again"):
        init_project(tmp_path, NOW)
    (tmp_path / "config").unlink()
    init_project(tmp_path, NOW)
    assert read_settings(tmp_path / "config/digest.toml", {}).project == tmp_path


def test_a_full_disk_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(UsageError, match="No space left on device"):
        init_project(tmp_path, NOW)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_naive_time_is_a_defect(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="aware"):
        init_project(tmp_path, datetime(2026, 11, 22))  # noqa: DTZ001 - what is tested
    assert not list(tmp_path.iterdir())

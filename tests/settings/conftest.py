"""A project to read settings from."""

from __future__ import annotations

from pathlib import Path

import pytest

from digest.errors import UsageError
from digest.settings import Settings
from digest.settings.reading import read_settings

SECRET = "correct-horse-battery-staple-0123456789"

MINIMAL = """\
started_at = 2026-11-01T00:00:00Z

[site]
name = "Backend"
url = "https://backend.example"
public_url = "https://news.backend.example"
postal_address = "1 Road, Town"

[sender]
name = "Backend"
address = "weekly@backend.example"

[[sources]]
name = "articles"
kind = "json"
path = "articles.json"

[[newsletters]]
slug = "weekly"
title = "Weekly"
schedule = "0 9 * * 1"
topics = { databases = { title = "Databases", tags = ["databases"] } }
"""


class Project:
    """A project folder, and the current one; `read` and `fails` take the environment and what to change in the file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "config" / "digest.toml"
        self.file.parent.mkdir()
        self.file.write_text(MINIMAL)

    def write(self, more: str = "", **replaced: str) -> None:
        """Append to the minimal file, and put other lines in the place of its `key = ` lines."""
        lines = MINIMAL.splitlines()
        for key, line in replaced.items():
            index = next(index for index, old in enumerate(lines) if old.startswith(f"{key} ="))
            lines[index] = line
        self.file.write_text("\n".join([*lines, more, ""]))

    def read(self, **environ: str) -> Settings:
        return read_settings(None, {"DIGEST_SECRET_KEY": SECRET} | environ)

    def fails(self, **environ: str) -> str:
        """The one line of the error."""
        with pytest.raises(UsageError) as caught:
            self.read(**environ)
        assert "\n" not in str(caught.value)
        assert caught.value.__cause__ is None
        return str(caught.value)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.chdir(tmp_path)
    return Project(tmp_path)

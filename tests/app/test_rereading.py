"""A configuration is taken up whole, or not at all."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest

from digest.app.rereading import Configuration, Rereader
from digest.errors import UsageError
from tests.databases import eventually
from tests.journeys.project import Project, a_project


def titles(configuration: Configuration) -> list[str]:
    return [one.title for one in configuration.settings.newsletters]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("max_articles = 20", "max_articles = none", "is not TOML"),
        ("max_articles = 20", "max_articls = 20", "unknown key; did you mean 'max_articles'"),
        ('provider = "dry-run"', 'provider = "sendgrid"', "DIGEST_PROVIDERS__SENDGRID__API_KEY"),
        ('url = "sqlite:///digest.db"', 'url = "sqlite:///other.db"', "database: it is another one now"),
    ],
)
def test_what_is_wrong_is_refused_and_nothing_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, before: str, after: str, said: str
) -> None:
    with a_project(tmp_path) as project:
        for name, value in project.environment.items():
            if name not in {"DIGEST_DATABASE__URL", "DIGEST_DELIVERY__PROVIDER"}:
                monkeypatch.setenv(name, value)
        project.environment = {}
        with project.app() as app:
            configuration = Configuration(app.settings, _file(project))
            project.configure("Backend Weekly", "Backend Monthly")
            project.configure(before, after)
            with pytest.raises(UsageError) as refused:
                configuration.reread(app)
            assert said in str(refused.value)
            assert titles(configuration) == ["Backend Weekly"]
            project.configure(after, before)
            configuration.reread(app)
            assert titles(configuration) == ["Backend Monthly"]


def test_when_somebody_cannot_live_with_it_nobody_does(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with a_project(tmp_path) as project:
        project.environment = {}
        with project.app() as app, caplog.at_level(logging.INFO):
            configuration, asked, stop = Configuration(app.settings, _file(project)), Event(), Event()
            heard: list[list[str]] = []

            def hear() -> None:
                heard.append(titles(configuration))
                if len(heard) == 1:
                    raise KeyError("a defect")

            Rereader(configuration, lambda: app, asked, stop, (hear,)).start()
            project.configure("Backend Weekly", "Backend Monthly")
            asked.set()
            eventually(_said(caplog, "was not taken up, and the one before stays in force: KeyError"))
            assert titles(configuration) == ["Backend Weekly"]
            asked.set()
            eventually(_said(caplog, "was read again, and is in force"))
            stop.set()
            assert heard == [["Backend Monthly"]] * 2
            assert titles(configuration) == ["Backend Monthly"]


def _file(project: Project) -> Path:
    return project.folder / "config" / "digest.toml"


def _said(caplog: pytest.LogCaptureFixture, words: str) -> Callable[[], bool]:
    return lambda: any(words in record.getMessage() for record in caplog.records)

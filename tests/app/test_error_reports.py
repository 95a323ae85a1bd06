"""Reports of errors: told where somebody wants to hear them, and without what nobody may read there."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sentry_sdk
from pydantic import SecretStr
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from digest.app import App
from digest.app.error_reports import report_errors
from digest.app.log_lines import write_log_lines
from digest.errors import UsageError
from digest.logs import logger
from digest.settings.secrecy import MASK
from tests.journeys.project import MONDAY, a_project

SECRET = "canary-secret-of-the-project-0123456789"  # of the tests
DSN = "https://canarykey@errors.example/7"
ANN = "canary@reader.example"


class Kept(Transport):
    """A transport into memory."""

    told: list[dict[str, Any]]

    def capture_envelope(self, envelope: Envelope) -> None:
        """Keep its events."""
        self.told += [json.loads(item.get_bytes()) for item in envelope.items]


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    with a_project(tmp_path) as project, project.app(MONDAY, DIGEST_SECRET_KEY=SECRET, DIGEST_ERROR_REPORTS__DSN=DSN) as made:
        yield made


@pytest.fixture
def kept(app: App) -> Iterator[Kept]:
    transport = Kept()
    transport.told = []
    report_errors(app.settings, transport)
    yield transport
    sentry_sdk.get_client().close()
    sentry_sdk.get_global_scope().set_client(None)


def test_an_error_that_is_logged_is_told_by_its_kind_and_place_and_names_nobody(kept: Kept) -> None:
    local = f"{ANN} {SECRET}"
    try:
        raise ValueError(f"no mail to {local}")
    except ValueError:
        logger("digest.letters").exception("a letter to %s waits: %s", ANN, SECRET, action="letter_waits", whose=ANN)
    logger("digest.letters").warning("a warning is a line in the log alone")
    (event,) = kept.told
    assert event["message"].startswith("a letter to person:")
    assert event["tags"] == {"action": "letter_waits"}
    (error,) = event["exception"]["values"]
    assert (error["type"], error["value"]) == ("ValueError", "")
    assert (
        error["stacktrace"]["frames"][-1]["function"]
        == test_an_error_that_is_logged_is_told_by_its_kind_and_place_and_names_nobody.__name__
    )
    assert "canary" not in json.dumps(event)
    assert set(event) <= {
        "event_id",
        "timestamp",
        "level",
        "logger",
        "platform",
        "release",
        "environment",
        "sdk",
        "message",
        "tags",
        "exception",
    }


def test_nothing_is_told_and_nothing_is_loaded_where_nobody_wants_to_hear_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sentry_sdk", None)  # its import fails
    with a_project(tmp_path) as project:
        assert project.command("articles", "list").returncode == 0
        wanting = project.command("articles", "list", DIGEST_ERROR_REPORTS__DSN=DSN)
    assert (wanting.returncode, "install digest-newsletter[sentry]" in wanting.stderr) == (2, True)


def test_an_address_that_is_none_is_a_line_that_does_not_hold_it(tmp_path: Path) -> None:
    with (
        a_project(tmp_path) as project,
        project.app(MONDAY, DIGEST_ERROR_REPORTS__DSN="canary:no-address") as app,
        pytest.raises(UsageError, match=r"error_reports\.dsn") as said,
    ):
        report_errors(app.settings)
    assert "canary" not in str(said.value)


def test_after_the_configuration_was_read_again_neither_its_secrets_nor_those_of_before_are_told(
    app: App, kept: Kept, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = "another-secret-of-the-project-0123456789"
    later = app.settings.model_copy(update={"secret_key": SecretStr(changed)})
    root, ours = logging.getLogger(), logging.getLogger("digest")
    before = root.handlers[:], ours.level
    try:
        write_log_lines(app.settings)
        write_log_lines(later, again=True)
        logger("digest.letters").error("it repeats %s and %s", SECRET, changed, action="repeats")
    finally:
        root.handlers[:] = before[0]
        ours.setLevel(before[1])
    (event,) = kept.told
    assert event["message"] == f"it repeats {MASK} and {MASK}"
    assert f"it repeats {MASK} and {MASK}" in capsys.readouterr().err

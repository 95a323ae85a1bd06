"""The reference of commands says what the commands are."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from digest.cli.reference import names, reference

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "commands.md"


def test_the_page_is_what_the_commands_make_of_it() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference(), "run `make reference`"


def test_the_module_prints_the_page() -> None:
    printed = subprocess.run([sys.executable, "-m", "digest.cli.reference"], check=True, capture_output=True)
    assert printed.stdout.decode("utf-8") == reference()


def test_it_tells_what_is_required_what_is_the_default_and_what_may_be_chosen() -> None:
    page = reference()
    assert "| `ISSUE` | required |" in page
    assert "| `[DIR]` | `.` |" in page
    assert "| `--fetch / --no-fetch` | `--fetch` |" in page
    assert r"| `--as accepted\|not-accepted\|resend` |" in page


def test_every_command_of_this_version_is_there() -> None:
    groups = {name.split()[0] for name in names()}
    wanted = (
        "demo init run editor articles issues preview send serve worker halt subscribers templates explain simulate stats doctor config"
        " migrate events suppressions scheduler backup restore status"
    )
    assert groups == set(wanted.split())
    assert {
        f"issues {verb}" for verb in ["draft", "list", "show", "check", "approve", "skip", "cancel", "pause", "resume", "resolve"]
    } <= names()
    assert "subscribers leave" in names()
    assert {f"suppressions {verb}" for verb in ("list", "add", "lift")} <= names()
    assert {f"events {verb}" for verb in ("mail", "mailbox", "mails")} <= names()
    assert {f"templates {verb}" for verb in ("list", "check", "copy")} <= names()
    assert {f"articles {verb}" for verb in ("fetch", "list", "feature", "withdraw")} <= names()

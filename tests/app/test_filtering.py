"""SpamAssassin, as it answers, does not answer, and is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from digest.app import filtering
from digest.app.filtering import ask_filter
from digest.checks.mail import SpamReport
from tests.checks.sound import a_mail
from tests.rendering.judges import needs_spamassassin


def program(folder: Path, script: str) -> str:
    path = folder / "filter"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_without_it_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filtering, "PROGRAM", "no-such-program")
    assert ask_filter(b"") == "SpamAssassin is not installed, so nobody asked it"


def test_its_points_are_read_rule_by_rule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = """Content analysis details:   (4.1 points, 5.0 required)

 pts rule name              description
---- ---------------------- ---------------
-0.0 NO_RELAYS              Informational
 5.5 MPART_ALT_DIFF         BODY: HTML and text parts are different
-1.4 ALL_TRUSTED            Passed through trusted hosts only
"""
    (tmp_path / "report").write_text(report)
    monkeypatch.setattr(filtering, "PROGRAM", program(tmp_path, f"cat > /dev/null; cat {tmp_path / 'report'}"))
    assert ask_filter(b"mail") == SpamReport(4.1, 5.0, (("MPART_ALT_DIFF", 5.5), ("ALL_TRUSTED", -1.4)))


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("cat > /dev/null; echo 'no rules' >&2; exit 2", "gave no verdict: no rules"),
        ("cat > /dev/null", "gave no verdict: it said nothing"),
    ],
)
def test_when_it_fails_it_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, said: str) -> None:
    monkeypatch.setattr(filtering, "PROGRAM", program(tmp_path, script))
    answer = ask_filter(b"mail")
    assert isinstance(answer, str)
    assert said in answer


def test_when_it_cannot_be_started_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = program(tmp_path, "")
    Path(broken).write_text("#!/no/such/interpreter\n")
    monkeypatch.setattr(filtering, "PROGRAM", broken)
    assert ask_filter(b"mail") == "SpamAssassin could not be started: No such file or directory"


def test_it_is_not_waited_for_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filtering, "PROGRAM", program(tmp_path, "exec sleep 30"))
    monkeypatch.setattr(filtering, "DEADLINE", 0.2)
    answer = ask_filter(b"mail")
    assert isinstance(answer, str)
    assert "had not answered" in answer


@needs_spamassassin
def test_the_real_one_gives_a_sound_mail_no_points() -> None:
    report = ask_filter(a_mail().message)
    assert isinstance(report, SpamReport), report
    assert report.score <= 0.1, report

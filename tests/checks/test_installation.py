"""What an installation is judged by without asking anybody."""

from __future__ import annotations

from digest.checks.finding import Severity
from digest.checks.installation import judge_modes, judge_sender
from tests.checks.domain.books import told, worst

ERROR, WARNING, NOTE, OK = Severity.ERROR, Severity.WARNING, Severity.NOTE, Severity.OK


def test_secrets_are_for_their_owner_alone() -> None:
    assert told(judge_modes({".env": 0o100600, "dkim.pem": 0o100400})) == [(OK, "for their owner alone: .env, dkim.pem")]
    (found,) = judge_modes({".env": 0o100640, "dkim.pem": 0o100400})
    assert (found.severity, found.where, found.mend) == (WARNING, "file .env", "chmod 600 .env")
    assert "mode 0640" in found.what
    assert list(judge_modes({})) == []


def test_a_sender_at_a_name_for_examples_reaches_nobody() -> None:
    assert worst(judge_sender("weekly@news.backend.example", None, sends=True)) is ERROR
    assert worst(judge_sender("weekly@news.backend.example", None, sends=False)) is WARNING
    assert worst(judge_sender("weekly@news.pub.net", "ed@example.com", sends=True)) is WARNING
    assert worst(judge_sender("weekly@news.pub.net", "ed@pub.net", sends=True)) is OK


def test_a_sender_that_nobody_answers_is_noted() -> None:
    assert worst(judge_sender("no-reply@pub.net", None, sends=True)) is NOTE
    assert worst(judge_sender("no-reply@pub.net", "ed@pub.net", sends=True)) is OK

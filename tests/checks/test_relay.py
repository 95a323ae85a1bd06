"""The relay, as a visit showed it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from digest.checks.finding import Severity
from digest.checks.relay import RelaySeen, judge_relay
from tests.checks.domain.books import told, worst

ERROR, WARNING, NOTE, OK = Severity.ERROR, Severity.WARNING, Severity.NOTE, Severity.OK
NOW = datetime(2026, 11, 24, tzinfo=UTC)
SEEN = RelaySeen("relay.test", 587, "starttls", False, expires_at=NOW + timedelta(days=60), logged_in=True)


def test_a_relay_that_takes_us_in_safely_is_well() -> None:
    assert told(judge_relay(SEEN, NOW)) == [
        (OK, "takes us in and accepts the login"),
        (OK, "starttls, certificate valid for relay.test until 2027-01-23"),
    ]


@pytest.mark.parametrize(("days", "severity"), [(13, WARNING), (15, OK)])
def test_a_certificate_that_ends_soon_is_told(days: int, severity: Severity) -> None:
    assert worst(judge_relay(replace(SEEN, expires_at=NOW + timedelta(days=days)), NOW)) is severity


def test_clear_text_is_a_warning_unless_it_stays_on_this_machine() -> None:
    clear = replace(SEEN, security="none", expires_at=None, offers_starttls=True)
    assert (WARNING, "mails go to the relay in clear text, although the relay offers STARTTLS") in told(judge_relay(clear, NOW))
    assert worst(judge_relay(replace(clear, on_this_machine=True), NOW)) is NOTE


@pytest.mark.parametrize(
    ("words", "mend"),
    [
        ("connecting: relay.test:587: Connection refused", "host and port"),
        ("STARTTLS: the relay does not offer it", "suits the port"),
        ("STARTTLS: certificate has expired", "renew the certificate"),
        ("AUTH: 535 5.7.8 no", "user name and password"),
    ],
)
def test_what_ended_the_visit_says_how_to_mend_it(words: str, mend: str) -> None:
    (found,) = judge_relay(replace(SEEN, failed=words), NOW)
    assert (found.severity, found.what) == (ERROR, words)
    assert mend in found.mend

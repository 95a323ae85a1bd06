"""A visit to the relay: as a mail would begin, and no further."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from digest.delivery.providers.smtp_visit import visit_relay
from digest.settings import SmtpSettings
from digest.testing.smtp_sink import React, SmtpSink

WITHIN = timedelta(seconds=10)


def test_a_relay_with_tls_is_entered_and_left_without_a_mail(server_tls: ssl.SSLContext, trusted: Path) -> None:
    for security, sink in (
        ("starttls", SmtpSink(starttls=server_tls, login=("me", "sesame"))),
        ("tls", SmtpSink(tls=server_tls, login=("me", "sesame"))),
    ):
        with sink:
            relay = SmtpSettings(host=sink.host, port=sink.port, security=security, username="me", password=SecretStr("sesame"))
            seen = visit_relay(relay, WITHIN)
        assert (seen.failed, seen.logged_in, seen.on_this_machine) == ("", True, True)
        assert seen.expires_at is not None
        assert timedelta(0) < seen.expires_at - datetime.now(UTC) < timedelta(days=2)
        assert [line.partition(" ")[0] for line in sink.commands][-1] == "QUIT"
        assert not any(line.startswith("MAIL") for line in sink.commands)


def test_a_certificate_that_is_not_trusted_and_a_wrong_login_are_told_without_the_password(
    server_tls: ssl.SSLContext, trusted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SmtpSink(starttls=server_tls, login=("me", "sesame")) as sink:
        relay = SmtpSettings(host=sink.host, port=sink.port, username="me", password=SecretStr("birdsong"))
        seen = visit_relay(relay, WITHIN)
        assert seen.failed.startswith("AUTH: 535")
        assert "birdsong" not in seen.failed
        monkeypatch.delenv("SSL_CERT_FILE")
        assert "certificate" in visit_relay(relay, WITHIN).failed


def test_what_a_relay_without_tls_offers_is_told() -> None:
    with SmtpSink(extensions=("PIPELINING", "STARTTLS")) as sink:
        seen = visit_relay(SmtpSettings(host=sink.host, port=sink.port, security="none"), WITHIN)
        assert (seen.failed, seen.expires_at, seen.offers_starttls) == ("", None, True)
    with SmtpSink({"connect": React("554 go away")}) as sink:
        assert "554 go away" in visit_relay(SmtpSettings(host=sink.host, port=sink.port, security="none"), WITHIN).failed
    assert "connecting" in visit_relay(SmtpSettings(host=sink.host, port=sink.port, security="none"), WITHIN).failed

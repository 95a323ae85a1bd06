"""TLS and the login: never given up, never in clear text, never in any words."""

from __future__ import annotations

import logging
import ssl
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from digest.delivery.providers.answer import Answer, Outcome, Trouble
from digest.delivery.providers.smtp import Smtp
from digest.errors import UsageError
from digest.testing.smtp_sink import CLOSE, RESET, React, SmtpSink
from digest.testing.specimens import DATE, a_rendition, an_envelope, some_settings

LOGIN = ("canary-user", "canary-password-ü")


def carry(sink: SmtpSink, **smtp: Any) -> Answer:
    settings = some_settings(providers={"smtp": {"host": "127.0.0.1", "port": sink.port, "security": "none", **smtp}})
    with sink, closing(Smtp(settings).open()) as transport:
        return transport.send(a_rendition(), [an_envelope()], DATE)


def login(username: str = LOGIN[0], password: str = LOGIN[1]) -> dict[str, str]:
    return {"username": username, "password": password}


def test_implicit_tls_carries_mail_to_a_relay_whose_certificate_is_trusted(server_tls: ssl.SSLContext, trusted: Path) -> None:
    sink = SmtpSink(tls=server_tls, login=LOGIN)
    assert carry(sink, security="tls", **login()).outcomes == (Outcome.ACCEPTED,)
    assert len(sink.messages) == 1


def test_starttls_carries_mail_and_greets_again_before_the_login(server_tls: ssl.SSLContext, trusted: Path) -> None:
    sink = SmtpSink(starttls=server_tls, login=LOGIN)
    assert carry(sink, security="starttls", **login()).outcomes == (Outcome.ACCEPTED,)
    assert [command.split()[0] for command in sink.commands[:4]] == ["EHLO", "STARTTLS", "EHLO", "AUTH"]


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_certificate_that_is_not_trusted_ends_it(security: str, server_tls: ssl.SSLContext) -> None:
    sink = SmtpSink(**{security: server_tls}, login=LOGIN)  # type: ignore[arg-type] # one of two parameters of one type
    answer = carry(sink, security=security, **login())
    assert (answer.outcomes, answer.trouble) == ((Outcome.DEFERRED,), Trouble.CONNECTION)
    assert "certificate" in answer.text
    assert not any(command.startswith(("AUTH", "MAIL")) for command in sink.commands)


def test_a_certificate_for_another_name_ends_it(server_tls: ssl.SSLContext, trusted: Path) -> None:
    answer = carry(SmtpSink(tls=server_tls), security="tls", host="localhost")
    assert (answer.outcomes, answer.trouble) == ((Outcome.DEFERRED,), Trouble.CONNECTION)


@pytest.mark.parametrize(
    "reaction", [None, React("454 4.7.0 not now"), React("502 no"), CLOSE, React(b"220 go\r\n250 injected\r\n")]
)
def test_starttls_never_falls_back_to_clear_text(reaction: React | None, server_tls: ssl.SSLContext, trusted: Path) -> None:
    sink = SmtpSink({"STARTTLS": reaction}, starttls=server_tls, login=LOGIN) if reaction else SmtpSink(login=LOGIN)
    answer = carry(sink, security="starttls", **login())
    assert (answer.outcomes, answer.trouble) == ((Outcome.DEFERRED,), Trouble.CONNECTION)
    assert not any(command.startswith(("AUTH", "MAIL")) for command in sink.commands)


def test_tls_to_a_relay_that_speaks_none_is_out_of_reach() -> None:
    answer = carry(SmtpSink(), security="tls")
    assert (answer.outcomes, answer.trouble) == ((Outcome.DEFERRED,), Trouble.CONNECTION)


@pytest.mark.parametrize("mechanisms", ["PLAIN LOGIN", "LOGIN", "PLAIN"])
def test_a_login_works_by_what_the_relay_offers(mechanisms: str) -> None:
    assert carry(SmtpSink(login=LOGIN, mechanisms=mechanisms), **login()).outcomes == (Outcome.ACCEPTED,)


@pytest.mark.parametrize("mechanisms", ["PLAIN", "LOGIN"])
def test_a_wrong_password_is_the_accounts_trouble_and_stands_in_no_words(
    mechanisms: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    answer = carry(SmtpSink(login=("other", "other"), mechanisms=mechanisms), **login())
    assert (answer.outcomes, answer.trouble) == ((Outcome.DEFERRED,), Trouble.ACCOUNT)
    assert answer.text.startswith("AUTH: 535 5.7.8 wrong login *** ***")
    words = answer.text + caplog.text
    assert not any(secret in words for secret in (*LOGIN, "Y2FuYXJ5", "AGNhbmFyeS"))


@pytest.mark.parametrize("mechanisms", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize(
    ("reaction", "trouble"),
    [
        (CLOSE, Trouble.CONNECTION),
        (RESET, Trouble.CONNECTION),
        (React(b"garbage\r\n"), Trouble.CONNECTION),
        (React("454 4.7.0 not now"), Trouble.CONNECTION),
        (React("421 4.7.0 too many"), Trouble.THROTTLED),
        (React("504 5.5.4 not that way"), Trouble.ACCOUNT),
    ],
)
def test_a_login_that_breaks_off_is_surely_nothing_taken(mechanisms: str, reaction: React, trouble: Trouble) -> None:
    answer = carry(SmtpSink({"AUTH": reaction}, login=LOGIN, mechanisms=mechanisms), **login())
    assert (answer.outcomes, answer.trouble) == ((Outcome.DEFERRED,), trouble)


def test_a_relay_that_offers_no_way_to_log_in_is_the_accounts_trouble() -> None:
    for sink in (SmtpSink(), SmtpSink(login=LOGIN, mechanisms="CRAM-MD5")):
        assert carry(sink, **login()).trouble is Trouble.ACCOUNT


def test_a_login_without_tls_is_for_loopback_alone() -> None:
    for host in ("localhost", "127.0.0.1", "::1"):
        Smtp(some_settings(providers={"smtp": {"host": host, "security": "none", **login()}}))
    with pytest.raises(UsageError, match=r"providers\.smtp\.security") as caught:
        Smtp(some_settings(providers={"smtp": {"host": "mail.example.com", "security": "none", **login()}}))
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("half", "named"), [({"username": "u"}, "DIGEST_PROVIDERS__SMTP__PASSWORD"), ({"password": "p"}, "username")]
)
def test_half_a_login_is_wrong_usage(half: dict[str, str], named: str) -> None:
    with pytest.raises(UsageError, match=named):
        Smtp(some_settings(providers={"smtp": half}))


def test_a_name_of_ours_that_is_none_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="local_hostname"):
        Smtp(some_settings(providers={"smtp": {"local_hostname": "not one name"}}))

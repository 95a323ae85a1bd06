"""MX, BIMI, reverse names, and everything together over the wire."""

from __future__ import annotations

import pytest

from digest.app.name_server import NameServer, Patience
from digest.checks.domain.answers import Status
from digest.checks.domain.bimi import examine_bimi
from digest.checks.domain.domain_checks import examine_domain
from digest.checks.domain.mail_exchangers import examine_exchangers
from digest.checks.domain.reverse_names import examine_reverse
from digest.checks.domain.services import service, smtp
from digest.checks.domain.subject import Subject, is_reserved
from digest.checks.finding import Severity
from digest.testing.name_server import NameServerStub, Zone
from tests.checks.domain.books import KnownBook, Table, told, worst

ERROR, WARNING, NOTE, OK = Severity.ERROR, Severity.WARNING, Severity.NOTE, Severity.OK
SUBJECT = Subject("news.test", None, ())


@pytest.mark.parametrize(
    ("table", "severity", "said"),
    [
        (
            {"news.test": {"MX": ["20 b.test", "10 a.test"]}, "a.test": {"A": ["1.1.1.1"]}, "b.test": {"AAAA": ["2606::1"]}},
            OK,
            "a.test, b.test",
        ),
        ({"news.test": {"MX": ["10 a.test"]}}, WARNING, "a.test has no address"),
        ({"news.test": {"MX": ["10 192.0.2.1"]}}, WARNING, "192.0.2.1 has no address"),
        ({"news.test": {"MX": ["0 "]}}, WARNING, "a null MX"),
        ({"news.test": {"A": ["1.1.1.1"]}}, WARNING, "mail goes to the domain's own address"),
        ({"news.test": {"TXT": ["x"]}}, ERROR, "neither an MX record nor an address"),
        ({}, ERROR, "bounces and answers are lost"),
        ({"news.test": Status.FAILED}, WARNING, "could not be looked up"),
        ({"news.test": {"MX": ["10 a.test"]}, "a.test": Status.SILENT}, OK, "a.test"),
    ],
)
def test_whether_the_domain_takes_mail_is_told(table: Table, severity: Severity, said: str) -> None:
    seen = list(examine_exchangers(KnownBook(table), SUBJECT))
    assert [one.severity for one in seen] == [severity]
    assert said in seen[0].what


def test_replies_want_a_domain_that_takes_them() -> None:
    table: Table = {"news.test": {"MX": ["10 a.test"]}, "a.test": {"A": ["1.1.1.1"]}, "pub.test": {"MX": ["0 "]}}
    seen = list(examine_exchangers(KnownBook(table), Subject("news.test", "pub.test", ())))
    assert [(one.severity, one.where) for one in seen] == [(OK, "MX of news.test"), (ERROR, "MX of pub.test")]


@pytest.mark.parametrize(
    ("text", "policy", "severity", "said"),
    [
        (None, "reject", NOTE, "none is needed"),
        ("v=BIMI1; l=https://x.test/logo.svg; a=https://x.test/vmc.pem", "reject", OK, "https://x.test/logo.svg"),
        ("v=BIMI1; l=; a=", "none", OK, "declined"),
        ("v=BIMI1; l=https://x.test/logo.svg; a=", "quarantine", NOTE, "no mark certificate"),
        ("v=BIMI1; l=https://x.test/logo.svg; a=https://x.test/vmc.pem", "none", WARNING, "DMARC only watches"),
        ("v=BIMI1; l=http://x.test/logo.png", "reject", WARNING, "no https address of an SVG"),
        ("v=BIMI1; a=https://x.test/vmc.pem", "reject", WARNING, "it has no l"),
        ("v=BIMI1; l=https://[; a=x", "reject", WARNING, "no https address"),
        ("v=BIMI1; nonsense", "reject", WARNING, "does not parse"),
    ],
)
def test_a_logo_that_is_published_should_work(text: str | None, policy: str, severity: Severity, said: str) -> None:
    table: Table = {
        "_dmarc.news.test": {"TXT": [f"v=DMARC1; p={policy}"]},
        "default._bimi.news.test": {"TXT": [text] if text else []},
    }
    seen = list(examine_bimi(KnownBook(table), "news.test"))
    assert worst(seen) is severity
    assert any(said in one.what for one in seen), seen


def test_an_address_wants_a_name_that_leads_back_to_it() -> None:
    address: Table = {"relay.test": {"A": ["8.8.8.8", "127.0.0.1"]}}
    name = "8.8.8.8.in-addr.arpa"

    def seen(**tables: object) -> list[tuple[Severity, str]]:
        return told(examine_reverse(KnownBook({**address, **tables}), "relay.test"))  # type: ignore[dict-item] # tables by name

    assert seen() == [(WARNING, "relay.test has an address without a name")]
    assert seen(**{name: {"PTR": ["out.test"]}}) == [(WARNING, "it is called out.test, which does not lead back to it")]
    assert seen(**{name: {"PTR": ["out.test"]}, "out.test": {"A": ["8.8.8.8"]}}) == [(OK, "out.test, and back")]
    assert seen(**{name: Status.FAILED})[0][0] is WARNING
    assert told(examine_reverse(KnownBook({}), "localhost")) == []


def test_everything_is_asked_over_the_wire_until_nothing_more_is_wanted() -> None:
    zone: Zone = {
        "news.test": {"TXT": ["v=spf1 include:a.test -all"], "MX": ["10 mx.test."]},
        "a.test": {"TXT": ["v=spf1 include:b.test -all"]},
        "b.test": {"TXT": ["v=spf1 ip4:8.8.8.8 -all"]},
        "mx.test": {"A": ["8.8.4.4"]},
        "relay.test": {"A": ["8.8.8.8"]},
        "8.8.8.8.in-addr.arpa": {"PTR": ["relay.test."]},
        "_dmarc.news.test": {"TXT": ["v=DMARC1; p=reject; rua=mailto:x@news.test"]},
    }
    subject = Subject("news.test", None, (smtp("news.test", "relay.test", None), service("ses", "news.test")))
    with NameServerStub(zone) as server:
        seen = NameServer((server.host, server.port), Patience(1, 2, 10)).consult(lambda book: examine_domain(book, subject))
        asked = [question[1:] for question in server.asked]
    assert worst(seen) is NOTE
    assert len(asked) == len(set(asked))
    assert {"SPF of news.test", "SPF of news.test for relay.test", "DMARC of news.test", "MX of news.test"} <= {
        one.where for one in seen
    }


def test_every_error_and_warning_of_a_domain_without_anything_says_how_to_mend_it() -> None:
    for way in (
        smtp("news.test", "relay.test", None),
        *(service(name, "news.test") for name in ("sendgrid", "ses", "postmark", "resend")),
    ):
        seen = examine_domain(KnownBook({}), Subject("news.test", "pub.test", (way,)))
        assert worst(seen) is ERROR
        assert all(one.mend for one in seen if one.severity in {ERROR, WARNING})


def test_names_that_nobody_can_receive_mail_at_are_known() -> None:
    assert all(
        is_reserved(name) for name in ("news.backend.example", "x.test", "localhost", "example.com", "a.example.org.", "X.LOCAL")
    )
    assert not any(is_reserved(name) for name in ("example.de", "myexample.com", "test.pub.org"))

"""`digest doctor`, against a name server, a relay and pages on loopback."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from digest.testing.http_stub import HttpStub, Respond
from digest.testing.name_server import NameServerStub, Zone
from tests.journeys.project import Project

KEY = rsa.generate_private_key(65537, 2048)
PUBLIC = base64.b64encode(KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
GOOD: Zone = {
    "news.pub.test": {"TXT": ["v=spf1 ip4:127.0.0.1 -all"], "MX": ["10 mx.pub.test."]},
    "mx.pub.test": {"A": ["192.0.2.25"]},
    "s2026._domainkey.news.pub.test": {"TXT": [f"v=DKIM1; k=rsa; p={PUBLIC}"]},
    "_dmarc.news.pub.test": {"TXT": ["v=DMARC1; p=reject; rua=mailto:dmarc@news.pub.test"]},
}


@pytest.fixture
def pages() -> Iterator[HttpStub]:
    """Digest's pages: one click answers, all else is not there."""
    with HttpStub(lambda request: Respond(200 if request.method == "POST" else 404)) as server:
        yield server


@pytest.fixture
def environment(project: Project, pages: HttpStub) -> dict[str, str]:
    """A sender who signs, with pages on loopback."""
    key = project.folder / "dkim.pem"
    key.write_bytes(KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    key.chmod(0o600)
    return {
        "DIGEST_SENDER__ADDRESS": "weekly@news.pub.test",
        "DIGEST_SENDER__REPLY_TO": "editors@news.pub.test",
        "DIGEST_SITE__PUBLIC_URL": pages.url,
        "DIGEST_PROVIDERS__SMTP__DKIM": '{"domain": "news.pub.test", "selector": "s2026", "key_file": "dkim.pem"}',
    }


def seen(project: Project, zone: Zone, environment: dict[str, str], *more: str) -> tuple[int, dict[str, list[tuple[str, str]]]]:
    """The exit code, and what was said of each thing."""
    with NameServerStub(zone) as server:
        got = project.command("doctor", "--json", "--nameserver", server.address, *more, **environment)
    found: dict[str, list[tuple[str, str]]] = {}
    rows: list[dict[str, Any]] = json.loads(got.stdout)
    for one in rows:
        assert one.keys() == {"severity", "where", "what", "mend"}
        found.setdefault(one["where"], []).append((one["severity"], one["what"]))
    return got.returncode, found


def test_a_good_domain_is_well(project: Project, environment: dict[str, str], pages: HttpStub) -> None:
    code, found = seen(project, GOOD, environment, "--allow-private")
    assert code == 0
    domain = [where for where in found if "pub.test" in where and not where.startswith("BIMI")]
    assert {severity for where in domain for severity, _ in found[where]} <= {"ok", "note"}
    assert found["DKIM key s2026._domainkey.news.pub.test"] == [("ok", "published, the right one, 2048 bits")]
    assert found["one-click unsubscribe"] == [("ok", "a POST is answered with 200")]
    assert found[f"relay 127.0.0.1:{project.sink.port}"] == [("ok", "takes us in")]
    assert [(request.method, request.body) for request in pages.requests] == [
        ("GET", b""),
        ("POST", b"List-Unsubscribe=One-Click"),
    ]
    assert project.sink.arrived == []


@pytest.mark.parametrize(
    ("changed", "where", "said"),
    [
        ({"news.pub.test": {"MX": ["10 mx.pub.test."]}}, "SPF of news.pub.test", "there is no record"),
        ({"news.pub.test": {"TXT": ["v=spf1 include:news.pub.test -all"]}}, "SPF of news.pub.test", "includes itself"),
        ({"s2026._domainkey.news.pub.test": {"TXT": ["p="]}}, "DKIM key s2026._domainkey.news.pub.test", "revoked"),
        ({"_dmarc.news.pub.test": {}}, "DMARC of news.pub.test", "there is no record"),
    ],
)
def test_a_bad_domain_ends_with_three(
    project: Project, environment: dict[str, str], changed: Zone, where: str, said: str
) -> None:
    code, found = seen(project, {**GOOD, **changed}, environment, "--allow-private")
    assert code == 3
    assert any(severity == "error" and said in what for severity, what in found[where]), found


def test_spf_is_looked_up_for_where_bounces_go(project: Project, environment: dict[str, str]) -> None:
    elsewhere = {"DIGEST_PROVIDERS__SMTP__BOUNCE_ADDRESS": "bounces@back.pub.test"}
    code, found = seen(project, GOOD, environment | elsewhere, "--allow-private")
    assert (code, "SPF of news.pub.test" in found) == (3, False)
    assert any("there is no record" in what for _, what in found["SPF of back.pub.test"]), found
    zone = {**GOOD, "back.pub.test": {"TXT": ["v=spf1 ip4:127.0.0.1 -all"], "MX": ["10 mx.pub.test."]}}
    assert seen(project, zone, environment | elsewhere, "--allow-private")[0] == 0


def test_pages_on_loopback_are_reported_as_such_and_not_asked(
    project: Project, environment: dict[str, str], pages: HttpStub
) -> None:
    code, found = seen(project, GOOD, environment)
    assert code == 3
    ((severity, what),) = found["site.public_url"]
    assert severity == "error"
    assert "readers elsewhere cannot reach it" in what
    assert pages.connections == 0
    environment["DIGEST_SITE__PUBLIC_URL"] = f"https://pages.pub.test:{pages.port}"
    code, found = seen(project, {**GOOD, "pages.pub.test": {"A": ["127.0.0.1"]}}, environment)
    assert found["site.public_url"][-1] == (
        "warning",
        "pages.pub.test leads to 127.0.0.1, which is private or loopback, seen from here",
    )
    assert pages.connections == 0


def test_pages_that_are_not_there_are_a_finding(project: Project, environment: dict[str, str]) -> None:
    with HttpStub(lambda _: Respond(404)) as elsewhere:
        environment["DIGEST_SITE__PUBLIC_URL"] = elsewhere.url
        _, found = seen(project, GOOD, environment, "--allow-private")
    assert found["one-click unsubscribe"] == [("error", "a POST is answered with 404: Digest's pages are not there")]


def test_a_name_server_out_of_reach_ends_with_five_and_a_dry_run_has_no_errors(
    project: Project, environment: dict[str, str]
) -> None:
    silent: Zone = dict.fromkeys(
        (
            "news.pub.test",
            "_dmarc.news.pub.test",
            "_dmarc.pub.test",
            "_dmarc.test",
            "s2026._domainkey.news.pub.test",
            "default._bimi.news.pub.test",
        ),
        "SILENCE",
    )
    home = {"DIGEST_DELIVERY__PROVIDER": "dry-run"}
    code, found = seen(project, {}, environment | home, "--allow-private")
    assert code == 0
    assert "error" not in {severity for said in found.values() for severity, _ in said}
    project.folder.joinpath(".env").chmod(0o640)
    code, found = seen(project, silent, environment | home)
    assert code == 5
    ((severity, what),) = found["name server"]
    assert severity == "error"
    assert "does not answer" in what
    assert next(severity for where in found if where.endswith(".env") for severity, _ in found[where]) == "warning"


def test_offline_asks_nobody(project: Project, environment: dict[str, str], pages: HttpStub) -> None:
    before = project.sink.connections
    with NameServerStub(GOOD) as server:
        got = project.command("doctor", "--offline", "--nameserver", server.address, **environment)
    assert (server.asked, pages.connections, project.sink.connections) == ([], 0, before)
    assert "SPF" not in got.stdout


def test_a_name_server_that_is_none_is_wrong_usage(project: Project) -> None:
    got = project.command("doctor", "--nameserver", "dns.example")
    assert got.returncode == 2
    assert "--nameserver" in got.stderr


def test_a_key_that_cannot_be_read_is_told_once(project: Project, environment: dict[str, str]) -> None:
    Path(project.folder / "dkim.pem").unlink()
    code, found = seen(project, GOOD, environment)
    assert code == 3
    assert "dkim.pem" in found["provider"][0][1]
    assert not any(where.startswith("SPF") for where in found)


def test_secrets_are_not_shown_whatever_the_relay_says(project: Project, environment: dict[str, str]) -> None:
    login = {"DIGEST_PROVIDERS__SMTP__USERNAME": "birdsong-user", "DIGEST_PROVIDERS__SMTP__PASSWORD": "birdsong-password"}
    with NameServerStub(GOOD) as server:
        got = project.command("doctor", "--nameserver", server.address, **environment, **login)
    assert "BAD relay 127.0.0.1" in got.stdout
    assert "birdsong" not in got.stdout + got.stderr


def test_a_service_is_judged_by_what_it_wants_in_the_dns(project: Project, environment: dict[str, str]) -> None:
    zone: Zone = {
        **GOOD,
        "mg.pub.test": {"TXT": ["v=spf1 include:mailgun.org ~all"]},
        "mailgun.org": {"TXT": ["v=spf1 ip4:198.51.100.0/24 ~all"]},
        "mx._domainkey.mg.pub.test": {"TXT": [f"k=rsa; p={PUBLIC}"]},
    }
    mailgun = {
        "DIGEST_DELIVERY__PROVIDER": "mailgun",
        "DIGEST_PROVIDERS__MAILGUN__API_KEY": "k",
        "DIGEST_PROVIDERS__MAILGUN__DOMAIN": "mg.pub.test",
    }
    _, found = seen(project, zone, environment | mailgun)
    assert [severity for severity, _ in found["SPF of mg.pub.test"]] == ["ok"]
    assert found["DKIM key mx._domainkey.mg.pub.test"] == [("ok", "published, 2048 bits")]
    ((severity, what),) = found["DMARC alignment by mailgun"]
    assert (severity, "no record says that they belong together" in what) == ("warning", True)
    sendgrid = {
        "DIGEST_DELIVERY__PROVIDER": "sendgrid",
        "DIGEST_PROVIDERS__SENDGRID__API_KEY": "k",
        "DIGEST_DELIVERY__FALLBACK": "smtp",
    }
    _, found = seen(project, zone, environment | sendgrid)
    assert "it does not include sendgrid.net, by which SendGrid sends" in " ".join(
        what for _, what in found["SPF of news.pub.test"]
    )
    assert found["DKIM key s2026._domainkey.news.pub.test"] == [("ok", "published, the right one, 2048 bits")]


def test_nobody_is_asked_about_names_for_examples(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(*_arguments: object, **_named: object) -> None:
        raise AssertionError("somebody was asked")

    monkeypatch.setattr("digest.app.name_server.NameServer", asked)
    monkeypatch.setattr("digest.catalogue.calling.call", asked)
    got = project.command("doctor")
    assert (got.returncode, got.stderr) == (0, "")
    assert "warn sender.address: news.backend.example is reserved for examples and tests" in got.stdout
    with pytest.raises(AssertionError, match="somebody was asked"):
        project.command("doctor", DIGEST_SENDER__ADDRESS="weekly@backend-notes.net")

"""DKIM: the published key against the one that signs."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from digest.checks.domain.answers import Status
from digest.checks.domain.dkim import examine_dkim
from digest.checks.domain.services import service, smtp
from digest.checks.domain.subject import PublicKey, SigningKey
from digest.checks.finding import Finding, Severity
from tests.checks.domain.books import KnownBook, Table, told, worst

ERROR, WARNING, NOTE, OK = Severity.ERROR, Severity.WARNING, Severity.NOTE, Severity.OK
KEY, OTHER, SHORT = (rsa.generate_private_key(65537, bits).public_key() for bits in (2048, 2048, 1024))
ELLIPTIC = ec.generate_private_key(ec.SECP256R1()).public_key()


def written(key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey, form: PublicFormat = PublicFormat.SubjectPublicKeyInfo) -> str:
    return base64.b64encode(key.public_bytes(Encoding.DER, form)).decode()


def found(*texts: str, key: rsa.RSAPublicKey = KEY, status: Status | None = None) -> list[Finding]:
    numbers = key.public_numbers()
    signing = SigningKey("news.test", "s2026", PublicKey(numbers.n, numbers.e))
    table: Table = {signing.name: status if status else {"TXT": texts}}
    return list(examine_dkim(KnownBook(table), smtp("news.test", "relay.test", signing)))


@pytest.mark.parametrize("before", ["v=DKIM1; k=rsa; p=", "p=", "v=DKIM1;p=", " v = DKIM1 ; h=sha1:sha256; s=email; p="])
def test_the_right_key_is_well(before: str) -> None:
    assert told(found(before + written(KEY))) == [(OK, "published, the right one, 2048 bits")]


def test_a_key_with_spaces_in_it_or_in_its_older_form_is_the_same_key() -> None:
    data = written(KEY)
    assert worst(found(f"v=DKIM1; p={data[:50]} {data[50:]};")) is OK
    assert worst(found(f"v=DKIM1; p={written(KEY, PublicFormat.PKCS1)}")) is OK


@pytest.mark.parametrize(
    ("text", "severity", "said"),
    [
        (f"v=DKIM1; p={written(OTHER)}", ERROR, "it is another key than the one in providers.smtp.dkim.key_file"),
        ("v=DKIM1; p=", ERROR, "it is revoked"),
        ("v=DKIM1; k=rsa", ERROR, "it has no p"),
        (f"v=DKIM1; p={written(KEY)[:-20]}", ERROR, "its p holds no key"),
        (f"v=DKIM1; p={written(KEY)[:-21]}", ERROR, "its p is not base64"),
        (f"v=DKIM1; p={written(ELLIPTIC)}", ERROR, "not RSA"),
        (f"v=DKIM2; p={written(KEY)}", ERROR, "a v that is not DKIM1"),
        (f"p={written(KEY)}; v=DKIM1", ERROR, "a v that is not DKIM1, or not at its beginning"),
        ("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", ERROR, 'of the kind "ed25519"'),
        (f"v=DKIM1; h=sha1; p={written(KEY)}", ERROR, "does not allow sha256"),
        (f"v=DKIM1; s=tlsrpt; p={written(KEY)}", ERROR, "it is not for mail"),
        (f"v=DKIM1; t=y:s; p={written(KEY)}", WARNING, "it is marked as a test"),
        (f"v=DKIM1; p={written(KEY)}; p={written(KEY)}", ERROR, "the tag p stands twice"),
        ("no record at all", ERROR, "is not tag=value"),
        ("\x00" * 60_000, ERROR, "does not parse"),
    ],
)
def test_what_is_wrong_with_a_published_key_is_told(text: str, severity: Severity, said: str) -> None:
    seen = found(text)
    assert worst(seen) is severity
    assert any(one.severity is severity and said in one.what and one.mend for one in seen), seen
    assert all(len(one.what) < 300 for one in seen)


def test_a_key_that_is_short_is_told() -> None:
    assert told(found(f"p={written(SHORT)}", key=SHORT)) == [(WARNING, "the key has 1024 bits, fewer than one should use today")]


def test_a_key_that_is_not_published_or_twice_is_an_error_and_one_that_cannot_be_looked_up_is_not() -> None:
    assert worst(found()) is ERROR
    assert worst(found(f"p={written(KEY)}", f"p={written(OTHER)}")) is ERROR
    assert worst(found(status=Status.FAILED)) is WARNING


def test_a_relay_that_has_to_sign_itself_is_only_noted() -> None:
    assert worst(examine_dkim(KnownBook({}), smtp("news.test", "relay.test", None))) is NOTE


def test_the_usual_selectors_of_a_service_are_information() -> None:
    way = service("sendgrid", "news.test")
    there = list(examine_dkim(KnownBook({"s1._domainkey.news.test": {"TXT": [f"k=rsa; p={written(KEY)}"]}}), way))
    assert [(one.severity, one.where) for one in there] == [(OK, "DKIM key s1._domainkey.news.test")]
    for table in ({}, {"s1._domainkey.news.test": {"TXT": ["p="]}}, {"s1._domainkey.news.test": {"TXT": ["nonsense"]}}):
        assert worst(examine_dkim(KnownBook(table), way)) is NOTE
    assert worst(examine_dkim(KnownBook({}), service("postmark", "news.test"))) is NOTE
    assert list(examine_dkim(KnownBook({}), service("a-plugin", "news.test"))) == []

"""Our signatures, verified by dkimpy, which knows nothing of how they were made."""

from __future__ import annotations

import base64
import re
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from digest.delivery.providers.answer import Outcome
from digest.delivery.providers.dkim_signature import COVERED, DkimSigner, read_signer, relax_body
from digest.delivery.providers.smtp import Smtp
from digest.errors import UsageError
from digest.rendering.content import SenderContent
from digest.rendering.mime import MessageBuilder
from digest.settings import Settings
from digest.testing.smtp_sink import SmtpSink
from digest.testing.specimens import DATE, a_rendition, an_envelope, some_settings

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SIGNER = DkimSigner("news.example", "2026-11", KEY)
DOTTED = DkimSigner("very-long-name-of-a-publisher." * 3 + "news.example", "a.b-c.d", KEY)


def pem(key: Any, password: bytes | None = None) -> bytes:
    secrecy = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    made: bytes = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, secrecy)
    return made


def record(name: bytes, timeout: int = 5) -> bytes:
    """What the DNS would hold."""
    assert b"._domainkey." in name
    public = KEY.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)


def verifies(message: bytes) -> bool:
    found: bool = dkim.verify(message, dnsfunc=record)
    return found


def a_message(**rendition: Any) -> bytes:
    return MessageBuilder(replace(a_rendition(), **rendition)).build(an_envelope(name="Ada, Größe"), DATE)


@pytest.mark.parametrize("signer", [SIGNER, DOTTED])
def test_a_signature_verifies(signer: DkimSigner) -> None:
    assert verifies(signer.sign(a_message()))
    long = "ü" * 200
    assert verifies(signer.sign(a_message(subject=long, newsletter_title=long)))
    assert verifies(signer.sign(a_message(sender=SenderContent(long, "news@news.example", None))))


def test_the_same_message_gets_the_same_signature_and_is_left_as_it_was() -> None:
    message = a_message()
    assert SIGNER.sign(message) == SIGNER.sign(message)
    assert SIGNER.sign(message).endswith(message)
    assert SIGNER.sign(message).startswith(
        b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=news.example;\r\n s=2026-11;\r\n"
    )


def test_no_line_of_a_signature_is_long_and_every_header_of_a_message_is_covered() -> None:
    message = a_message()
    signature = DOTTED.sign(message).removesuffix(message)
    assert max(len(line) for line in signature.split(b"\r\n")) < 180
    names = [name.decode() for name in re.findall(rb"^([A-Za-z-]+):", message.partition(b"\r\n\r\n")[0], re.MULTILINE)]
    assert set(names) <= set(COVERED)
    assert {"List-Unsubscribe", "List-Unsubscribe-Post", "Feedback-ID"} <= set(names)


@pytest.mark.parametrize("name", COVERED)
def test_a_covered_header_can_neither_be_changed_nor_added(name: str) -> None:
    signed = SIGNER.sign(a_message())
    before = signed.index(f"\r\n{name}:".encode()) + 2
    assert verifies(signed)
    assert not verifies(signed[:before] + f"{name}: something else\r\n".encode() + signed[before:])
    at = before + len(name) + 2
    assert not verifies(signed[:at] + b"x" + signed[at:])


def test_a_reply_to_cannot_be_added_where_there_was_none() -> None:
    signed = SIGNER.sign(a_message(sender=SenderContent("News", "news@news.example", None)))
    assert verifies(signed)
    assert not verifies(b"Reply-To: evil@x.example\r\n" + signed)


def test_the_body_is_covered_and_what_relays_do_to_spaces_does_no_harm() -> None:
    signed = SIGNER.sign(a_message())
    assert not verifies(signed.replace(b"News of the week", b"News of the weak"))
    assert verifies(signed.replace(b"News of the week\r\n", b"News  of the  week \r\n") + b"\r\n\r\n")


@given(st.lists(st.sampled_from([b"a", b" ", b"\t", b"\r\n", b"b "]), max_size=30).map(lambda parts: b"".join([*parts, b"\r\n"])))
def test_a_body_is_relaxed_as_dkimpy_relaxes_it(body: bytes) -> None:
    assert relax_body(body) == dkim.canonicalization.Relaxed.canonicalize_body(body)


@given(st.text(max_size=200), st.text(max_size=100))
def test_whatever_is_said_verifies(text: str, title: str) -> None:
    message = MessageBuilder(replace(a_rendition(text=text.replace("\n", "\r\n")), newsletter_title=title)).build(
        an_envelope(), DATE
    )
    assert verifies(SIGNER.sign(message))


def settings_with(project: Path, **table: Any) -> Settings:
    (project / "dkim.pem").write_bytes(pem(KEY))
    whole = {"domain": "news.example", "selector": "2026-11", "key_file": "dkim.pem"} | table
    settings = some_settings(providers={"smtp": {"dkim": whole, "host": "127.0.0.1", "security": "none"}})
    return settings.model_copy(update={"project": project})


def test_smtp_signs_what_it_sends_when_it_is_configured_so(tmp_path: Path) -> None:
    with SmtpSink() as sink:
        settings = settings_with(tmp_path)
        smtp = settings.providers.smtp.model_copy(update={"port": sink.port})
        settings = settings.model_copy(update={"providers": settings.providers.model_copy(update={"smtp": smtp})})
        provider = Smtp(settings)
        with closing(provider.open()) as transport:
            assert transport.send(a_rendition(), [an_envelope()], DATE).outcomes == (Outcome.ACCEPTED,)
        (described,) = provider.describe(a_rendition(), [an_envelope()], DATE)
    (mail,) = sink.messages
    assert verifies(mail.message)
    assert described["size"] == len(mail.message)


def test_without_a_table_nothing_is_signed() -> None:
    assert read_signer(some_settings()) is None


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"domain": None}, "signs only with all of domain, selector and key_file: set domain too"),
        ({"domain": None, "selector": None}, "set domain and selector too"),
        ({"key_file": None}, "set key_file too"),
        ({"selector": "a_b"}, "providers.smtp.dkim.selector is not a selector"),
        ({"selector": "a;b"}, "providers.smtp.dkim.selector is not a selector"),
        ({"key_file": "gone.pem"}, 'providers.smtp.dkim.key_file is "gone.pem", which cannot be read: No such file or directory'),
        ({"key_file": "none.pem"}, "which holds no private key in PEM"),
        ({"key_file": "locked.pem"}, "which has a password"),
        ({"key_file": "curve.pem"}, "which is no RSA key of 1024 bits or more"),
    ],
)
def test_what_cannot_sign_is_told_in_one_line(table: dict[str, Any], words: str, tmp_path: Path) -> None:
    (tmp_path / "none.pem").write_text("canary, not a key")
    (tmp_path / "locked.pem").write_bytes(pem(KEY, b"canary"))
    (tmp_path / "curve.pem").write_bytes(pem(ec.generate_private_key(ec.SECP256R1())))
    with pytest.raises(UsageError) as caught:
        Smtp(settings_with(tmp_path, **table))
    assert words in str(caught.value)
    assert "canary" not in str(caught.value)
    assert "\n" not in str(caught.value)

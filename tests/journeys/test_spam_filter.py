"""The sample issue as SMTP carried it, signed, before a real spam filter."""

from __future__ import annotations

import base64
import shutil
from pathlib import Path

import dkim
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from digest.app.filtering import ask_filter
from digest.checks.mail import SpamReport
from tests.journeys.project import Project
from tests.rendering.judges import needs_spamassassin

ANN = "ann@x.example"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def signed(project: Project) -> dict[str, str]:
    """The settings of a signature by the sender's own domain; the key is put into the project."""
    pem = KEY.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (project.folder / "dkim.pem").write_bytes(pem)
    (project.folder / "dkim.pem").chmod(0o600)
    with project.app() as app:
        domain = app.settings.sender.address.rpartition("@")[2]
    named = {"DOMAIN": domain, "SELECTOR": "s1", "KEY_FILE": "dkim.pem"}
    return {f"DIGEST_PROVIDERS__SMTP__DKIM__{name}": value for name, value in named.items()}


def record(name: bytes, timeout: int = 5) -> bytes:
    """What the DNS would hold."""
    public = KEY.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)


@needs_spamassassin
def test_the_sample_issue_signed_and_as_smtp_carried_it_has_no_points(project: Project) -> None:
    shutil.copy(Path(__file__).parents[2] / "articles.json", project.folder)
    project.join(ANN)
    assert project.code(**signed(project)) == 0
    [arrived] = project.sink.arrived
    assert dkim.verify(arrived.message, dnsfunc=record)
    report = ask_filter(arrived.message)
    assert isinstance(report, SpamReport), report
    assert report.score <= 0.1, report

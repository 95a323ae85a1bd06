"""Reports signed as each provider signs them: for tests of webhooks, and to try one's own out."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from digest.catalogue.fetching import Bounds, Page
from digest.errors import Unreachable

TOPIC = "arn:aws:sns:eu-central-1:123456789012:digest"


class SendGridSigner:
    """A key of SendGrid's; `key` is what its page shows."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        shown = self._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.key = b64encode(shown).decode()

    def headers(self, body: bytes, at: datetime) -> dict[str, str]:
        """What SendGrid sends with a body."""
        stamp = str(int(at.timestamp()))
        signature = self._key.sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))
        return {
            "X-Twilio-Email-Event-Webhook-Signature": b64encode(signature).decode(),
            "X-Twilio-Email-Event-Webhook-Timestamp": stamp,
            "Content-Type": "application/json",
        }


def resend_headers(secret: str, own_id: str, body: bytes, at: datetime) -> dict[str, str]:
    """What Svix sends with a body of Resend's; `secret` begins with whsec_."""
    stamp = str(int(at.timestamp()))
    key = b64decode(secret.removeprefix("whsec_"))
    signature = b64encode(hmac.digest(key, f"{own_id}.{stamp}.".encode() + body, hashlib.sha256)).decode()
    return {"svix-id": own_id, "svix-timestamp": stamp, "svix-signature": f"v1,{signature}"}


def postmark_headers(password: str, user: str = "digest") -> dict[str, str]:
    """What Postmark sends with every body."""
    return {"Authorization": "Basic " + b64encode(f"{user}:{password}".encode()).decode()}


def mailgun_body(key: str, token: str, event: Mapping[str, Any], at: datetime) -> bytes:
    """What Mailgun posts of one event."""
    stamp = str(int(at.timestamp()))
    signature = hmac.digest(key.encode(), f"{stamp}{token}".encode(), hashlib.sha256).hex()
    signed = {"timestamp": stamp, "token": token, "signature": signature}
    return json.dumps({"signature": signed, "event-data": dict(event)}).encode()


class SnsSigner:
    """SNS: it signs messages of a topic, and keeps its certificate where `fetch` finds it; `asked` are the addresses it was asked for."""

    def __init__(self, topic: str = TOPIC, *, certified_until: datetime | None = None) -> None:
        self.topic = topic
        self.region = topic.split(":")[3]
        self.address = f"https://sns.{self.region}.amazonaws.com/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem"
        self.asked: list[str] = []
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
        until = certified_until or datetime.now(UTC) + timedelta(days=1)
        made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(self._key.public_key())
        made = made.serial_number(7).not_valid_before(until - timedelta(days=30)).not_valid_after(until)
        self.certificate = made.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM)

    def fetch(self, url: str, *, bounds: Bounds) -> Page:
        """What SNS answers: the certificate, to a confirmation that all is well, and to all else nothing."""
        self.asked.append(url)
        if url == self.address:
            return Page(url, self.certificate, "application/x-pem-file")
        if "Action=ConfirmSubscription" in url:
            return Page(url, b"<ConfirmSubscriptionResponse/>", "text/xml")
        raise Unreachable("the server answered 404 Not Found")

    def message(self, text: str, at: datetime, *, kind: str = "Notification", version: str = "1", **rest: str) -> dict[str, str]:
        """A signed message."""
        message = {
            "Type": kind,
            "MessageId": hashlib.sha256(f"{kind}{text}".encode()).hexdigest()[:32],
            "TopicArn": self.topic,
            "Message": text,
            "Timestamp": f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z",
        } | rest
        signed = "".join(f"{name}\n{message[name]}\n" for name in sorted(message))
        hashed: hashes.HashAlgorithm = hashes.SHA1() if version == "1" else hashes.SHA256()  # noqa: S303  # SNS's default
        signature = b64encode(self._key.sign(signed.encode(), PKCS1v15(), hashed)).decode()
        return message | {"SignatureVersion": version, "Signature": signature, "SigningCertURL": self.address}

    def notification(self, record: Mapping[str, Any], at: datetime) -> bytes:
        """What SNS posts of one event record of SES."""
        return json.dumps(self.message(json.dumps(dict(record)), at)).encode()

"""Amazon SES's events, as SNS posts them: each message signed, the certificate kept by SNS itself.

Source: Amazon SNS, "Verifying the signatures of Amazon SNS messages". Only messages of the configured topic are looked at, and
only the host of that topic's region is asked for a certificate.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode, urlsplit

import orjson

from digest.catalogue import fetching
from digest.catalogue.fetching import Bounds
from digest.delivery.providers.sns_certificates import Certificates, Fetch
from digest.delivery.providers.webhook import NotGenuine, Posted, parsed, refuse_stale, text_in
from digest.settings import Settings

LIFETIME = timedelta(hours=2)
"""SNS tries for an hour."""

SIGNED: Mapping[str, tuple[str, ...]] = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
    "UnsubscribeConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}
"""Of which parts, in which order, the signed text of each kind of message is made; a subject may be missing."""

_MOST_BYTES = 1024 * 1024
_CERTIFICATE = re.compile(r"/SimpleNotificationService-[0-9A-Za-z]{8,64}\.pem")
_TOKEN = re.compile(r"[0-9A-Za-z]{16,512}")
_CONFIRMING = Bounds(size=64 * 1024, redirects=0, connect_seconds=5, read_seconds=10, total_seconds=15)


class SesWebhook:
    """Messages of one topic."""

    def __init__(self, topic: str, fetch: Fetch | None = None) -> None:
        self._topic, self._fetch = topic, fetch or fetching.fetch
        _, partition, _, region, *_ = topic.split(":")
        self._host = f"sns.{region}.amazonaws.com" + (".cn" if partition == "aws-cn" else "")
        self._certificates = Certificates(self._fetch)

    def verify(self, posted: Posted, real: datetime) -> bytes:
        """The message's id: SNS posts the same message again when it got no answer."""
        message = parsed(posted.body, _MOST_BYTES)
        parts = SIGNED.get(text_in(message, "Type"))
        if parts is None:
            raise NotGenuine("is no message of SNS: leave raw message delivery off")
        if text_in(message, "TopicArn") != self._topic:
            raise NotGenuine("is of another topic than providers.ses.topic_arn")
        refuse_stale(_time(text_in(message, "Timestamp")), real, lifetime=LIFETIME)
        version, address = text_in(message, "SignatureVersion"), self._certificate(text_in(message, "SigningCertURL"))
        try:
            signature = b64decode(text_in(message, "Signature"), validate=True)
        except (binascii.Error, ValueError):
            raise NotGenuine("carries a signature that is none") from None
        signed = "".join(f"{name}\n{text_in(message, name)}\n" for name in parts if name in message)
        if not self._certificates.signed(address, version, signature, signed.encode(), real):
            raise NotGenuine("is not signed by SNS")
        return text_in(message, "MessageId").encode() or posted.body

    def act(self, body: bytes) -> bool:
        """Confirm the topic's subscription when SNS asks; that it was ended, a person has to know."""
        message = orjson.loads(body)
        kind = message["Type"]
        if kind == "UnsubscribeConfirmation":
            raise ValueError("Amazon SNS has ended the subscription of this address: subscribe it to the topic again")
        if kind != "SubscriptionConfirmation":
            return False
        token = text_in(message, "Token")
        if not _TOKEN.fullmatch(token):
            raise ValueError("the confirmation of SNS carries no token that can be one")
        query = urlencode({"Action": "ConfirmSubscription", "TopicArn": self._topic, "Token": token})
        self._fetch(f"https://{self._host}/?{query}", bounds=_CONFIRMING)
        return True

    def _certificate(self, address: str) -> str:
        """Where a certificate is, if it is SNS's own place; written anew, so that nothing else of the address counts."""
        try:
            parts = urlsplit(address)
        except ValueError:
            parts = urlsplit("")
        if parts.scheme != "https" or parts.netloc != self._host or not _CERTIFICATE.fullmatch(parts.path):
            raise NotGenuine(f"names a certificate that is not kept by {self._host}")
        return f"https://{self._host}{parts.path}"


def make_webhook(settings: Settings) -> SesWebhook | None:
    """The webhook of a project; None without a topic."""
    topic = settings.providers.ses.topic_arn
    return SesWebhook(topic) if topic else None


def _time(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo is not None else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise NotGenuine("carries no time that can be one") from None

"""SendGrid's signed Event Webhook: ECDSA over the header's time and the raw body. Source: Twilio SendGrid, "Event Webhook Security".

The key is public; what it proves is worth as much as that nobody can put another one into the configuration.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from digest.delivery.providers.webhook import NotGenuine, Posted, refuse_stale, seconds
from digest.errors import UsageError
from digest.settings import Settings

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

SIGNATURE, TIMESTAMP = "x-twilio-email-event-webhook-signature", "x-twilio-email-event-webhook-timestamp"
LIFETIME = timedelta(hours=25)
"""SendGrid tries for a day, and does not say whether it signs anew each time."""


class SendGridWebhook:
    """Reports of SendGrid, signed by one of some keys."""

    def __init__(self, keys: Sequence[EllipticCurvePublicKey]) -> None:
        self._keys = keys

    def verify(self, posted: Posted, real: datetime) -> bytes:
        """The body: SendGrid posts the same one again when it got no answer."""
        signed, stamp = posted.headers.get(SIGNATURE, ""), posted.headers.get(TIMESTAMP, "")
        if not signed or not stamp:
            raise NotGenuine("carries no signature: switch on the Signed Event Webhook")
        refuse_stale(seconds(stamp), real, lifetime=LIFETIME)
        try:
            signature = b64decode(signed, validate=True)
        except (binascii.Error, ValueError):
            raise NotGenuine("carries a signature that is none") from None
        if not any(_signed(key, signature, stamp.encode() + posted.body) for key in self._keys):
            raise NotGenuine("is not signed with providers.sendgrid.webhook_key, or a former one")
        return posted.body


def make_webhook(settings: Settings) -> SendGridWebhook | None:
    """The webhook of a project; None without a key."""
    keys = settings.providers.sendgrid.webhook_keys()
    return SendGridWebhook([_key(one) for one in keys]) if keys else None


def _key(text: str) -> EllipticCurvePublicKey:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        key = load_der_public_key(b64decode("".join(text.split()), validate=True))
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
        raise UsageError(
            "providers.sendgrid.webhook_key, or a former one, is no verification key of SendGrid;"
            " copy it from Settings, Mail Settings, Event Webhook; it begins with MFkw"
        )
    return key


def _signed(key: EllipticCurvePublicKey, signature: bytes, data: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.hashes import SHA256

    try:
        key.verify(signature, data, ECDSA(SHA256()))
    except InvalidSignature:
        return False
    return True

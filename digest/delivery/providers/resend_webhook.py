"""Resend's webhooks, which Svix signs: HMAC-SHA256 over id, time and raw body. Source: Svix, "Verifying Webhooks Manually"."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import datetime, timedelta

from digest.delivery.providers.webhook import NotGenuine, Posted, refuse_stale, seconds
from digest.errors import UsageError
from digest.settings import Settings

LIFETIME = timedelta(minutes=5)
"""Each attempt is signed anew."""

_PREFIX = "whsec_"


class ResendWebhook:
    """Reports of Resend, signed with one of some secrets."""

    def __init__(self, secrets: Sequence[bytes]) -> None:
        self._secrets = secrets

    def verify(self, posted: Posted, real: datetime) -> bytes:
        """The body: the same one comes again when there was no answer."""
        own, stamp, signed = (_header(posted, name) for name in ("id", "timestamp", "signature"))
        if not own or not stamp or not signed:
            raise NotGenuine("carries no signature")
        refuse_stale(seconds(stamp), real, lifetime=LIFETIME)
        data = f"{own}.{stamp}.".encode() + posted.body
        given = [one.removeprefix("v1,").encode() for one in signed.split(" ")[:10] if one.startswith("v1,")]
        right = [b64encode(hmac.digest(secret, data, hashlib.sha256)) for secret in self._secrets]
        # Every one is compared with every other, so that the time tells nothing.
        if not any([hmac.compare_digest(one, other) for one in given for other in right]):  # noqa: C419
            raise NotGenuine("is not signed with providers.resend.webhook_key, or a former one")
        return posted.body


def make_webhook(settings: Settings) -> ResendWebhook | None:
    """The webhook of a project; None without a secret."""
    secrets = settings.providers.resend.webhook_keys()
    return ResendWebhook([_secret(one) for one in secrets]) if secrets else None


def _header(posted: Posted, name: str) -> str:
    """Svix's own name of a header, or the one that it lends to whoever pays for it."""
    return posted.headers.get(f"svix-{name}") or posted.headers.get(f"webhook-{name}", "")


def _secret(text: str) -> bytes:
    try:
        secret = b64decode(text.strip().removeprefix(_PREFIX), validate=True)
    except ValueError:
        secret = b""
    if len(secret) < 16:
        raise UsageError(
            "providers.resend.webhook_key, or a former one, is no signing secret of Resend;"
            " copy it from the webhook's page; it begins with whsec_"
        )
    return secret

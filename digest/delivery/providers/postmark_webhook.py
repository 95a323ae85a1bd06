"""Postmark's webhooks: it signs nothing, and sends the user and password of the webhook's address. Source: Postmark, "Webhooks overview".

There is no time in what it sends with them, so that nothing is stale: what comes twice is told by its body alone.
"""

from __future__ import annotations

import binascii
import hmac
from base64 import b64decode
from collections.abc import Sequence
from datetime import datetime

from digest.delivery.providers.webhook import NotGenuine, Posted
from digest.errors import UsageError
from digest.settings import Settings

SHORTEST = 20
"""Characters of a password that nobody guesses."""


class PostmarkWebhook:
    """Reports of Postmark, with one of some passwords; the user's name is anybody's."""

    def __init__(self, passwords: Sequence[str]) -> None:
        self._passwords = [one.encode() for one in passwords]

    def verify(self, posted: Posted, real: datetime) -> bytes:
        """The body: Postmark posts the same one again when it got no answer."""
        scheme, _, credentials = posted.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic":
            raise NotGenuine("carries no password: its address at Postmark must be https://digest:PASSWORD@...")
        try:
            given = b64decode(credentials.strip(), validate=True).partition(b":")[2]
        except (binascii.Error, ValueError):
            raise NotGenuine("carries a password that cannot be read") from None
        # Every one is compared, so that the time tells nothing.
        if not any([hmac.compare_digest(given, one) for one in self._passwords]):  # noqa: C419
            raise NotGenuine("carries another password than providers.postmark.webhook_key, or a former one")
        return posted.body


def make_webhook(settings: Settings) -> PostmarkWebhook | None:
    """The webhook of a project; None without a password."""
    passwords = settings.providers.postmark.webhook_keys()
    if any(len(one) < SHORTEST or ":" in one or not one.isascii() for one in passwords):
        raise UsageError(
            f"providers.postmark.webhook_key, or a former one, must have at least {SHORTEST} characters of ASCII and no colon;"
            ' make one with: python3 -c "import secrets; print(secrets.token_urlsafe(32))"'
        )
    return PostmarkWebhook(passwords) if passwords else None

"""Mailgun's webhooks: HMAC-SHA256 over a time and a token that stand in the body. Source: Mailgun, "Securing webhooks".

The rest of the body is not signed. So a token is good once: whoever has read one report cannot post another one with it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from digest.delivery.providers.webhook import NotGenuine, Posted, parsed, refuse_stale, seconds, text_in
from digest.errors import UsageError
from digest.settings import Settings

LIFETIME = timedelta(hours=9)
"""Mailgun tries for eight hours, and does not say whether it signs anew each time."""

_MOST_BYTES = 1024 * 1024
_TOKEN = re.compile(r"[0-9A-Za-z]{16,100}")


class MailgunWebhook:
    """Reports of Mailgun, signed with one of some keys; those of a subaccount with the account's."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = [one.encode() for one in keys]

    def verify(self, posted: Posted, real: datetime) -> bytes:
        """The token."""
        signature = parsed(posted.body, _MOST_BYTES).get("signature")
        if not isinstance(signature, Mapping):
            raise NotGenuine("carries no signature")
        stamp, token = text_in(signature, "timestamp"), text_in(signature, "token")
        if not _TOKEN.fullmatch(token):
            raise NotGenuine("carries no token that can be one")
        refuse_stale(seconds(stamp), real, lifetime=LIFETIME)
        given = [text_in(signature, name).encode() for name in ("signature", "parent-signature")]
        right = [hmac.digest(key, f"{stamp}{token}".encode(), hashlib.sha256).hex().encode() for key in self._keys]
        # Every one is compared with every other, so that the time tells nothing.
        if not any([hmac.compare_digest(one, other) for one in given for other in right]):  # noqa: C419
            raise NotGenuine("is not signed with providers.mailgun.webhook_key, or a former one")
        return token.encode()


def make_webhook(settings: Settings) -> MailgunWebhook | None:
    """The webhook of a project; None without a key."""
    keys = settings.providers.mailgun.webhook_keys()
    if any(len(one) < 16 or not one.isascii() for one in keys):
        raise UsageError(
            "providers.mailgun.webhook_key, or a former one, is no signing key of Mailgun;"
            " copy the HTTP webhook signing key from API Security"
        )
    return MailgunWebhook(keys) if keys else None

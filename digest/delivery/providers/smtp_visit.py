"""A visit to the relay, just as a mail would begin: connected, secured, logged in; then goodbye."""

from __future__ import annotations

import ssl
from datetime import timedelta

from digest.checks.relay import RelaySeen
from digest.delivery.providers.smtp import check_relay, is_loopback, open_conversation, secrets_of
from digest.delivery.providers.smtp_conversation import Halt
from digest.delivery.providers.wire import Deadline
from digest.delivery.providers.wording import mask
from digest.settings import SmtpSettings


def visit_relay(relay: SmtpSettings, within: timedelta) -> RelaySeen:
    """What the relay showed; no mail is begun. `UsageError` where the configuration itself is wrong."""
    check_relay(relay)
    near = is_loopback(relay.host)
    try:
        conversation = open_conversation(relay, ssl.create_default_context, Deadline(within))
    except Halt as halt:
        return RelaySeen(relay.host, relay.port, relay.security, near, failed=mask(str(halt), secrets_of(relay)))
    try:
        return RelaySeen(
            relay.host,
            relay.port,
            relay.security,
            near,
            expires_at=conversation.certificate_expires_at,
            offers_starttls="STARTTLS" in conversation.features,
            logged_in=relay.username is not None,
        )
    finally:
        conversation.close()

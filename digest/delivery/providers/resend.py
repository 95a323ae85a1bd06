"""Mail through Resend's API: one request carries one mail, and its delivery's id is the idempotency key.

Why not a hundred mails a request, as the API allows: `docs/decisions/0008-one-mail-a-request-at-resend.md`.
What each answer means stands in `resend_answers` and in `docs/providers/resend.md`.
"""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import orjson

from digest.delivery.providers.addresses import mailbox
from digest.delivery.providers.credentials import read_key
from digest.delivery.providers.http_answer import HttpAnswer, Reading
from digest.delivery.providers.http_transport import USER_AGENT, HttpTransport, Request, describe
from digest.delivery.providers.resend_answers import read_answer
from digest.delivery.providers.resend_events import read_events
from digest.rendering.assemble import fill
from digest.rendering.content import Envelope
from digest.rendering.list_headers import list_headers
from digest.rendering.rendition import Rendition
from digest.settings import Settings

MOST_BYTES = 40_000_000


class Resend:
    """Resend."""

    name = "resend"
    batch_limit = 1
    most_bytes = MOST_BYTES
    idempotent_for = timedelta(hours=24)
    read_events = staticmethod(read_events)

    def __init__(self, settings: Settings) -> None:
        table = settings.providers.resend
        self._key = read_key(table.api_key, "Resend", "an API key", "DIGEST_PROVIDERS__RESEND__API_KEY")
        self.base_url, self.secrets = table.host, frozenset({self._key})
        self._delivery, self._tls = settings.delivery, cache(ssl.create_default_context)

    def open(self) -> HttpTransport:
        """A new transport; connects at its first send."""
        return HttpTransport(self, self._delivery, self._tls)

    def describe(self, rendition: Rendition, envelopes: Sequence[Envelope], date: datetime) -> list[dict[str, Any]]:
        """Each request `send` would make if all goes well, the key masked."""
        return describe(self, rendition, envelopes, date)

    def group(self, envelopes: Sequence[Envelope]) -> list[list[int]]:
        """One at a time."""
        return [[place] for place in range(len(envelopes))]

    def build(self, rendition: Rendition, envelopes: Sequence[Envelope], date: datetime) -> Request:
        """One mail. Nothing in it may differ from one attempt to the next, or the key would not be known again."""
        (envelope,) = envelopes
        html, text = fill(rendition, envelope.personal)
        sender = rendition.sender
        ids = {"delivery_id": envelope.delivery_id, "seal": envelope.seal}
        payload = {
            "from": mailbox(sender.name, sender.address),
            "to": [mailbox(envelope.name, envelope.address)],
            **({"reply_to": [sender.reply_to]} if sender.reply_to else {}),
            "subject": rendition.subject,
            "html": html,
            "text": text,
            "headers": list_headers(rendition, envelope),
            "tags": [{"name": name, "value": value} for name, value in ids.items() if value],
        }
        headers = {
            "Authorization": f"Bearer {self._key}",
            "Idempotency-Key": envelope.delivery_id,
            "Content-Type": "application/json",
            "User-Agent": USER_AGENT,  # without one Resend answers 403
        }
        return Request("/emails", headers, orjson.dumps(payload), {"json": payload})

    def read(self, answer: HttpAnswer, envelopes: Sequence[Envelope], now: datetime) -> Reading:
        """The meaning of an answer."""
        return read_answer(answer, now)

"""Mail through Postmark's batch API: one request carries up to 500 whole messages, and each has a result of its own.

What each answer means stands in `postmark_answers` and in `docs/providers/postmark.md`.
"""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

import orjson

from digest.delivery.providers.addresses import mailbox
from digest.delivery.providers.credentials import read_key
from digest.delivery.providers.http_answer import HttpAnswer, Reading
from digest.delivery.providers.http_transport import USER_AGENT, HttpTransport, Request, describe
from digest.delivery.providers.postmark_answers import read_answer
from digest.delivery.providers.postmark_events import read_events
from digest.rendering.assemble import fill
from digest.rendering.content import Envelope
from digest.rendering.list_headers import list_headers
from digest.rendering.rendition import Rendition
from digest.settings import Settings

MOST_MESSAGES = 500
MOST_BYTES = 50_000_000


class Postmark:
    """Postmark."""

    name = "postmark"
    batch_limit = MOST_MESSAGES
    most_bytes = MOST_BYTES
    read_events = staticmethod(read_events)

    def __init__(self, settings: Settings) -> None:
        table = settings.providers.postmark
        self._token = read_key(table.server_token, "Postmark", "a server API token", "DIGEST_PROVIDERS__POSTMARK__SERVER_TOKEN")
        self._stream, self.base_url = table.message_stream, table.host
        self.secrets = frozenset({self._token})
        self._delivery, self._tls = settings.delivery, cache(ssl.create_default_context)

    def open(self) -> HttpTransport:
        """A new transport; connects at its first send."""
        return HttpTransport(self, self._delivery, self._tls)

    def describe(self, rendition: Rendition, envelopes: Sequence[Envelope], date: datetime) -> list[dict[str, Any]]:
        """Each request `send` would make if all goes well, the token masked."""
        return describe(self, rendition, envelopes, date)

    def group(self, envelopes: Sequence[Envelope]) -> list[list[int]]:
        """Five hundred at a time."""
        places = list(range(len(envelopes)))
        return [places[at : at + MOST_MESSAGES] for at in range(0, len(places), MOST_MESSAGES)]

    def build(self, rendition: Rendition, envelopes: Sequence[Envelope], date: datetime) -> Request:
        """A batch; Postmark dates the mail."""
        payload = [self._message(rendition, envelope) for envelope in envelopes]
        headers = {
            "X-Postmark-Server-Token": self._token,
            "Accept": "application/json",
            "Content-Type": "application/json",
            "User-Agent": USER_AGENT,
        }
        return Request("/email/batch", headers, orjson.dumps(payload), {"json": payload})

    def read(self, answer: HttpAnswer, envelopes: Sequence[Envelope], now: datetime) -> Reading:
        """The meaning of an answer."""
        return read_answer(answer, len(envelopes), now)

    def _message(self, rendition: Rendition, envelope: Envelope) -> dict[str, Any]:
        html, text = fill(rendition, envelope.personal)
        sender = rendition.sender
        ids = {"delivery_id": envelope.delivery_id, "attempt_id": envelope.attempt_id, "seal": envelope.seal}
        return {
            "From": mailbox(sender.name, sender.address),
            "To": mailbox(envelope.name, envelope.address),
            **({"ReplyTo": sender.reply_to} if sender.reply_to else {}),
            "Subject": rendition.subject,
            "HtmlBody": html,
            "TextBody": text,
            "Headers": [{"Name": name, "Value": value} for name, value in list_headers(rendition, envelope).items()],
            "Metadata": {name: value for name, value in ids.items() if value},
            "Tag": rendition.issue,
            "TrackOpens": False,
            "TrackLinks": "None",
            "MessageStream": self._stream,
        }

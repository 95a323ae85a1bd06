"""Mail through Mailgun's messages API: one request carries up to a thousand readers of one rendition.

What differs between readers are recipient variables, `%recipient.NAME%`. What each answer means stands in
`mailgun_answers` and in `docs/providers/mailgun.md`.
"""

from __future__ import annotations

import base64
import ssl
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import urlencode

import orjson
from markupsafe import escape

from digest.delivery.providers.addresses import apart, mailbox
from digest.delivery.providers.credentials import read_key
from digest.delivery.providers.http_answer import HttpAnswer, Reading
from digest.delivery.providers.http_transport import USER_AGENT, HttpTransport, Request, describe
from digest.delivery.providers.mailgun_answers import read_answer
from digest.delivery.providers.mailgun_events import read_events
from digest.errors import Refused, UsageError
from digest.rendering.content import Envelope
from digest.rendering.list_headers import list_headers, unsubscribe_address
from digest.rendering.rendition import Rendition
from digest.settings import Settings

MOST_RECIPIENTS = 1000
MOST_BYTES = 25_000_000

_VARIABLE = "%recipient"
_OFF = {"o:tracking": "no", "o:tracking-clicks": "no", "o:tracking-opens": "no"}


class Mailgun:
    """Mailgun."""

    name = "mailgun"
    batch_limit = MOST_RECIPIENTS
    most_bytes = MOST_BYTES
    read_events = staticmethod(read_events)

    def __init__(self, settings: Settings) -> None:
        table = settings.providers.mailgun
        key = read_key(table.api_key, "Mailgun", "a sending key", "DIGEST_PROVIDERS__MAILGUN__API_KEY")
        if table.domain is None:
            raise UsageError(
                "Mailgun needs the sending domain: set providers.mailgun.domain, or DIGEST_PROVIDERS__MAILGUN__DOMAIN"
            )
        self._login = base64.b64encode(f"api:{key}".encode()).decode("ascii")
        self._path, self.base_url = f"/v3/{table.domain}/messages", table.host
        self.secrets = frozenset({key, self._login})
        self._delivery, self._tls = settings.delivery, cache(ssl.create_default_context)

    def open(self) -> HttpTransport:
        """A new transport; connects at its first send."""
        return HttpTransport(self, self._delivery, self._tls)

    def describe(self, rendition: Rendition, envelopes: Sequence[Envelope], date: datetime) -> list[dict[str, Any]]:
        """Each request `send` would make if all goes well, the key masked."""
        return describe(self, rendition, envelopes, date)

    def group(self, envelopes: Sequence[Envelope]) -> list[list[int]]:
        """A thousand at a time; recipient variables go by address, so no address twice."""
        return apart(envelopes, MOST_RECIPIENTS)

    def build(self, rendition: Rendition, envelopes: Sequence[Envelope], date: datetime) -> Request:
        """One message to all of `envelopes`; Mailgun dates it."""
        fields = [*_shared(rendition, envelopes[0]).items()]
        fields += [("to", mailbox(envelope.name, envelope.address)) for envelope in envelopes]
        variables = {envelope.address: _variables(rendition, envelope) for envelope in envelopes}
        fields.append(("recipient-variables", orjson.dumps(variables).decode()))
        headers = {
            "Authorization": f"Basic {self._login}",
            "Accept": "application/json",
            "Content-Type": "application/x-www-form-urlencoded",
            "User-Agent": USER_AGENT,
        }
        return Request(self._path, headers, urlencode(fields).encode("ascii"), {"form": [list(pair) for pair in fields]})

    def read(self, answer: HttpAnswer, envelopes: Sequence[Envelope], now: datetime) -> Reading:
        """The meaning of an answer."""
        return read_answer(answer, now)


def _shared(rendition: Rendition, anybody: Envelope) -> dict[str, str]:
    """The fields that are the same for all readers; what is theirs is named by a variable in them."""
    sender = rendition.sender
    lists = list_headers(rendition, anybody) | {"List-Unsubscribe": "<%recipient.unsubscribe%>"}
    html = rendition.html.fill({slot: f"%recipient.html_{slot}%" for slot in rendition.html.slots})
    text = rendition.text.fill({slot: f"%recipient.text_{slot}%" for slot in rendition.text.slots})
    _refuse_foreign_variables(rendition)
    return {
        "from": mailbox(sender.name, sender.address),
        "subject": rendition.subject,
        "text": text,
        "html": html,
        "o:tag": rendition.issue,
        **_OFF,
        **({"h:Reply-To": sender.reply_to} if sender.reply_to else {}),
        **{f"h:{name}": value for name, value in lists.items()},
        "v:delivery_id": "%recipient.delivery_id%",
        "v:attempt_id": "%recipient.attempt_id%",
        "v:seal": "%recipient.seal%",
    }


def _variables(rendition: Rendition, envelope: Envelope) -> dict[str, str]:
    """What stands for each variable in one reader's mail: escaped in HTML, as it is in text."""
    personal = envelope.personal
    return {
        **{f"html_{slot}": str(escape(getattr(personal, slot))) for slot in rendition.html.slots},
        **{f"text_{slot}": getattr(personal, slot) for slot in rendition.text.slots},
        "unsubscribe": unsubscribe_address(envelope),
        "delivery_id": envelope.delivery_id,
        "attempt_id": envelope.attempt_id,
        "seal": envelope.seal,
    }


def _refuse_foreign_variables(rendition: Rendition) -> None:
    """Mailgun has no way to write its own variables as text, so an article that holds one cannot be communicated."""
    texts = (rendition.subject, *rendition.html.literals, *rendition.text.literals)
    if any(_VARIABLE in text for text in texts):
        raise Refused(
            f"the issue holds {_VARIABLE}, which Mailgun would replace: write it otherwise, or send by another provider"
        )

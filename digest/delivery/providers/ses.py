"""Mail through Amazon SES, API version 2: one request carries one whole message, byte for byte what SMTP would carry.

botocore signs the request and finds the credentials; it does not send, for it would try three times, wait for each
read, and not say whether a request had left. What each answer means stands in `ses_answers` and in `docs/providers/ses.md`.
"""

from __future__ import annotations

import base64
import logging
import re
import ssl
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

import orjson

from digest.delivery.providers.credentials import read_key
from digest.delivery.providers.http_answer import HttpAnswer, Reading
from digest.delivery.providers.http_line import NotSent
from digest.delivery.providers.http_transport import USER_AGENT, HttpTransport, Request
from digest.delivery.providers.ses_answers import read_answer
from digest.delivery.providers.ses_events import read_events
from digest.errors import UsageError
from digest.rendering.content import Envelope
from digest.rendering.mime import MessageBuilder
from digest.rendering.rendition import Rendition
from digest.settings import SesSettings, Settings

MOST_BYTES = 40_000_000
PATH = "/v2/email/outbound-emails"

_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}")
_OFF = {"Tracking": {"OpenTrackingEnabled": "DISABLED", "ClickTrackingEnabled": "DISABLED"}}
_FIXED = {"Content-Type": "application/json", "User-Agent": USER_AGENT}


class Ses:
    """Amazon SES."""

    name = "ses"
    batch_limit = 1
    most_bytes = MOST_BYTES
    read_events = staticmethod(read_events)

    def __init__(self, settings: Settings) -> None:
        table = settings.providers.ses
        self._region, self._set = read_region(table), table.configuration_set
        self._signer = Signer(table, self._region)
        self.base_url, self.secrets = table.host or endpoint(self._region), self._signer.secrets
        self._delivery, self._tls = settings.delivery, cache(ssl.create_default_context)
        self._built: tuple[Rendition, MessageBuilder] | None = None

    def open(self) -> HttpTransport:
        """A new transport; connects at its first send."""
        return HttpTransport(self, self._delivery, self._tls)

    def describe(self, rendition: Rendition, envelopes: Sequence[Envelope], date: datetime) -> list[dict[str, Any]]:
        """Each request `send` would make, without its signature."""
        headers = _FIXED | {"Authorization": "***"}
        payloads = [self._payload(rendition, envelope, date) for envelope in envelopes]
        return [{"method": "POST", "url": self.base_url + PATH, "headers": headers, "json": payload} for payload in payloads]

    def group(self, envelopes: Sequence[Envelope]) -> list[list[int]]:
        """One at a time."""
        return [[place] for place in range(len(envelopes))]

    def build(self, rendition: Rendition, envelopes: Sequence[Envelope], date: datetime) -> Request:
        """The signed request for one message."""
        payload = self._payload(rendition, envelopes[0], date)
        body = orjson.dumps(payload)
        return Request(PATH, self._signer.sign(self.base_url + PATH, body), body, {"json": payload})

    def read(self, answer: HttpAnswer, envelopes: Sequence[Envelope], now: datetime) -> Reading:
        """The meaning of an answer."""
        return read_answer(answer, envelopes[0].address, now)

    def _payload(self, rendition: Rendition, envelope: Envelope, date: datetime) -> dict[str, Any]:
        ids = {"delivery_id": envelope.delivery_id, "attempt_id": envelope.attempt_id, "seal": envelope.seal}
        message = self._builder(rendition).build(envelope, date)
        return {
            "FromEmailAddress": rendition.sender.address,
            "Destination": {"ToAddresses": [envelope.address]},
            "Content": {"Raw": {"Data": base64.b64encode(message).decode("ascii")}},
            "EmailTags": [{"Name": name, "Value": value} for name, value in ids.items() if value],
            **({"ConfigurationSetName": self._set} if self._set else {}),
            "ConfigurationOverrides": _OFF,
        }

    def _builder(self, rendition: Rendition) -> MessageBuilder:
        """Kept from one message to the next; lanes that are at different renditions take turns with it."""
        built = self._built
        if built is None or built[0] is not rendition:
            self._built = built = (rendition, MessageBuilder(rendition))
        return built[1]


class Signer:
    """Signs requests as AWS wants it (Signature Version 4), with the configured key, or one from AWS's usual places."""

    def __init__(self, table: SesSettings, region: str) -> None:
        try:
            from boto3.session import Session
            from botocore.credentials import Credentials
        except ImportError:
            raise UsageError("the provider ses needs boto3: install digest-newsletter[ses]") from None
        # botocore's DEBUG log holds what it signs: session tokens, and where mail goes.
        logging.getLogger("botocore").setLevel(logging.INFO)
        self._region = region
        self.secrets: frozenset[str] = frozenset()
        if table.access_key_id is None and table.secret_access_key is None:
            self._credentials = Session().get_credentials()
            if self._credentials is None:
                raise UsageError(
                    "Amazon SES needs an access key: set DIGEST_PROVIDERS__SES__ACCESS_KEY_ID and DIGEST_PROVIDERS__SES__SECRET_ACCESS_KEY,"
                    " or let AWS's own variables, files or the machine's role give one"
                )
            return
        key_id = read_key(table.access_key_id, "Amazon SES", "an access key's id", "DIGEST_PROVIDERS__SES__ACCESS_KEY_ID")
        key = read_key(table.secret_access_key, "Amazon SES", "an access key", "DIGEST_PROVIDERS__SES__SECRET_ACCESS_KEY")
        token = table.session_token.get_secret_value().strip() if table.session_token else None
        self.secrets = frozenset({key_id, key, *([token] if token else [])})
        self._credentials = Credentials(key_id, key, token or None)

    def sign(self, url: str, body: bytes) -> dict[str, str]:
        """The headers of a POST of `body`; `NotSent` when the credentials could not be had."""
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.exceptions import BotoCoreError

        request = AWSRequest(method="POST", url=url, data=body, headers=dict(_FIXED))
        try:
            SigV4Auth(self._credentials.get_frozen_credentials(), "ses", self._region).add_auth(request)
        except BotoCoreError as error:
            raise NotSent(f"AWS gave no credentials: {error}") from None
        return {str(name): str(value) for name, value in request.headers.items()}


def read_region(table: SesSettings) -> str:
    """AWS's region; `UsageError` when there is none, or when it is not one."""
    if table.region is None:
        raise UsageError(
            "Amazon SES needs a region: set providers.ses.region, such as eu-central-1, or DIGEST_PROVIDERS__SES__REGION"
        )
    if not _REGION.fullmatch(table.region):
        raise UsageError(f'providers.ses.region is "{table.region}", which is no region of AWS: write one such as eu-central-1')
    return table.region


def endpoint(region: str) -> str:
    """The region's API."""
    return f"https://email.{region}.amazonaws.com{'.cn' if region.startswith('cn-') else ''}"

"""Mail through Twilio SendGrid's v3 API: one transport is one connection, one request carries up to a thousand readers.

What each answer means stands in `sendgrid_answers` and in `docs/providers/sendgrid.md`.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import orjson

from digest.delivery.providers.answer import Answer, Outcome, Trouble
from digest.delivery.providers.http_line import Limits, Line, NoAnswer, NotSent
from digest.delivery.providers.port import Ahead
from digest.delivery.providers.sendgrid_answers import Reading, read_answer
from digest.delivery.providers.sendgrid_events import read_events
from digest.delivery.providers.sendgrid_fitting import requests, sort_out
from digest.delivery.providers.sendgrid_request import MOST_RECIPIENTS, write_request
from digest.delivery.providers.waiting import run
from digest.delivery.providers.wire import Deadline
from digest.delivery.providers.wording import mask
from digest.errors import Refused, UsageError
from digest.rendering.content import Envelope
from digest.rendering.rendition import Rendition
from digest.settings import Settings

_ROUNDS = 10


class SendGrid:
    """Twilio SendGrid."""

    name = "sendgrid"
    batch_limit = MOST_RECIPIENTS
    read_events = staticmethod(read_events)

    def __init__(self, settings: Settings) -> None:
        self._key = read_key(settings)
        self.made_of = self._settings = settings
        self._host = settings.providers.sendgrid.host.rstrip("/")

    def open(self) -> SendGridTransport:
        """A new transport; connects at its first send."""
        return SendGridTransport(self.stream())

    def stream(self) -> SendGridStream:
        """The same, for whoever drives several at once."""
        return SendGridStream(self._settings, self._key, self._host, lambda: self._tls)

    def describe(self, rendition: Rendition, envelopes: Sequence[Envelope], date: datetime) -> list[dict[str, Any]]:
        """Each request `send` would make if all goes well, the key masked."""
        client = _client(self._key, self._host, Line(self._host, lambda: self._tls))
        headers = {**client.request_headers, "Authorization": "Bearer ***", "Content-Type": "application/json"}
        url = f"{self._host}/v3/mail/send"
        positions, _ = sort_out(rendition, envelopes)
        return [
            {"method": "POST", "url": url, "headers": headers, "json": orjson.loads(body)}
            for _, body in requests(rendition, envelopes, positions)
        ]

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context()


def _client(key: str, host: str, line: Line) -> Any:
    from digest.delivery.providers.sendgrid_client import build_client  # ten megabytes, for whoever posts alone

    return build_client(key, host, line).client


class SendGridTransport:
    """One lane's connection to the API, for whoever has nothing else to do meanwhile."""

    def __init__(self, stream: SendGridStream) -> None:
        self._stream = stream

    def send(self, rendition: Rendition, envelopes: Sequence[Envelope], date: datetime) -> Answer:
        """Carry one batch; it takes at most `connect_timeout` and twice `timeout`, whatever number of requests it needs."""
        return run(self._stream.send(rendition, envelopes, date))

    def close(self) -> None:
        """Let the connection go; never raises."""
        self._stream.close()


class SendGridStream:
    """One lane's connection to the API."""

    def __init__(self, settings: Settings, key: str, host: str, tls: Callable[[], ssl.SSLContext]) -> None:
        self._delivery, self._key = settings.delivery, key
        self._line = Line(host, tls)
        self._client = _client(key, host, self._line)

    async def send(
        self, rendition: Rendition, envelopes: Sequence[Envelope], date: datetime, ahead: Ahead | None = None
    ) -> Answer:
        """As `SendGridTransport.send`. `date` is not used: SendGrid dates the mail; nor is `ahead`."""
        batch = _Batch(rendition, envelopes, Deadline(self._delivery.connect_timeout + self._delivery.timeout))
        positions, refused = sort_out(rendition, envelopes)
        for position, words in refused.items():
            batch.reject(position, words)
        try:
            for chosen, body in requests(rendition, envelopes, positions):
                if not await self._carry(batch, chosen, body):
                    break
        except Refused as error:
            batch.settle((), Reading(Outcome.DEFERRED, Trouble.CONTENT, str(error)))
        return batch.answer(self._key)

    def close(self) -> None:
        """Let the connection go; never raises."""
        self._line.close()

    async def _carry(self, batch: _Batch, positions: list[int], body: bytes) -> bool:
        """One request, made again without the ones it was refused for; whether to go on with others."""
        for _ in range(_ROUNDS):
            reading = await self._post(body, len(positions), batch.before_last)
            for index, words in reading.named.items():
                batch.reject(positions[index], words)
            if not reading.named:
                batch.settle(positions, reading)
                return reading.outcome is Outcome.ACCEPTED
            positions = [position for index, position in enumerate(positions) if index not in reading.named]
            if not positions:
                return True
            if batch.before_last.is_over():
                return False
            body = batch.body(positions)
        return True

    async def _post(self, body: bytes, personalizations: int, before_last: Deadline) -> Reading:
        limits = Limits(before_last.at_most(self._delivery.connect_timeout), before_last, self._delivery.timeout)
        try:
            answer = await self._client.mail.send.post(request_body=body, limits=limits)
        except NotSent as error:
            return Reading(Outcome.DEFERRED, Trouble.CONNECTION, str(error))
        except NoAnswer as error:
            return Reading(Outcome.UNKNOWN, text=f"no answer: {error}")
        return read_answer(answer, personalizations, datetime.now(UTC))


class _Batch:
    """One send, and what became of its envelopes so far: deferred as long as nothing else is known."""

    def __init__(self, rendition: Rendition, envelopes: Sequence[Envelope], before_last: Deadline) -> None:
        self.before_last = before_last
        self._rendition, self._envelopes = rendition, envelopes
        self._outcomes = [Outcome.DEFERRED] * len(envelopes)
        self._texts: dict[int, str] = {}
        self._last = Reading(Outcome.DEFERRED)
        self._message_ids: list[str] = []

    def body(self, positions: Sequence[int]) -> bytes:
        return write_request(self._rendition, [self._envelopes[position] for position in positions])

    def reject(self, position: int, words: str) -> None:
        self._outcomes[position] = Outcome.REJECTED
        self._texts[position] = words

    def settle(self, positions: Sequence[int], reading: Reading) -> None:
        for position in positions:
            self._outcomes[position] = reading.outcome
        self._last = reading
        if reading.message_id:
            self._message_ids.append(reading.message_id)

    def answer(self, key: str) -> Answer:
        worded = bool(self._last.text or self._texts)
        addresses = {envelope.address.lower() for envelope in self._envelopes} if worded else set()
        return Answer(
            outcomes=tuple(self._outcomes),
            text=mask(self._last.text, {key}, addresses),
            texts={position: mask(words, {key}, addresses) for position, words in self._texts.items()},
            trouble=self._last.trouble,
            retry_after=self._last.retry_after,
            provider_message_id=" ".join(self._message_ids) or None,
        )


def read_key(settings: Settings) -> str:
    """The API key; `UsageError` when there is none, or none that a header can carry."""
    secret = settings.providers.sendgrid.api_key
    key = secret.get_secret_value().strip() if secret else ""
    if not key:
        raise UsageError("SendGrid needs an API key: set DIGEST_PROVIDERS__SENDGRID__API_KEY in the environment or in .env")
    if not re.fullmatch(r"[!-~]+", key):
        raise UsageError(
            "the API key in DIGEST_PROVIDERS__SENDGRID__API_KEY has a space or a character outside ASCII: copy it again"
        )
    return key

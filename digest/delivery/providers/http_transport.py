"""Mail through an HTTP API: posts what a provider builds over one kept connection, and gathers what became of each envelope.

A provider says how requests are built and what answers mean (`HttpApi`, pure); everything else is the same for all.
"""

from __future__ import annotations

import ssl
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

from digest.delivery.providers.addresses import is_carriable
from digest.delivery.providers.answer import Answer, Outcome, Trouble
from digest.delivery.providers.http_answer import CONTENT, UNKNOWN, HttpAnswer, Meaning, Reading, worst
from digest.delivery.providers.http_line import Limits, Line, NoAnswer, NotSent
from digest.delivery.providers.wire import Deadline
from digest.delivery.providers.wording import mask
from digest.errors import Refused
from digest.rendering.content import Envelope
from digest.rendering.rendition import Rendition
from digest.settings import Delivery

USER_AGENT = "digest-newsletter"
_MOST_REQUESTS = 50  # of one send; what is then left is deferred, and goes with the next
_OUT_OF_REACH = Meaning(Outcome.DEFERRED, Trouble.CONNECTION)


@dataclass(frozen=True, slots=True)
class Request:
    """One POST. `path` comes after the API's base URL, `headers` hold the key, `shown` is the body for people's eyes."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    shown: Mapping[str, Any]


class HttpApi(Protocol):
    """What differs from one HTTP API to the next; pure."""

    @property
    def name(self) -> str:
        """The provider's."""
        ...

    @property
    def base_url(self) -> str:
        """Without a slash at its end."""
        ...

    @property
    def secrets(self) -> frozenset[str]:
        """What may stand in no text."""
        ...

    @property
    def most_bytes(self) -> int:
        """The largest body; a larger one is halved."""
        ...

    def group(self, envelopes: Sequence[Envelope]) -> list[list[int]]:
        """The places of `envelopes`, in as few requests as the API allows."""
        ...

    def build(self, rendition: Rendition, envelopes: Sequence[Envelope], date: datetime) -> Request:
        """The request that carries `envelopes`; `Refused` when something cannot be written, `NotSent` when it cannot be signed."""
        ...

    def read(self, answer: HttpAnswer, envelopes: Sequence[Envelope], now: datetime) -> Reading:
        """The meaning of an answer to the request that carried `envelopes`."""
        ...


def describe(api: HttpApi, rendition: Rendition, envelopes: Sequence[Envelope], date: datetime) -> list[dict[str, Any]]:
    """Each request a send would make if all goes well, secrets masked."""
    waiting = deque(_carriable_groups(api, envelopes)[0])
    described = []
    while waiting:
        places = waiting.popleft()
        request = api.build(rendition, [envelopes[place] for place in places], date)
        if _is_too_large(api, request, places):
            waiting.extendleft(_halves(places))
            continue
        headers = {name: _hide(value, api.secrets) for name, value in request.headers.items()}
        described.append({"method": "POST", "url": api.base_url + request.path, "headers": headers, **request.shown})
    return described


class HttpTransport:
    """One lane's connection to the API."""

    def __init__(self, api: HttpApi, delivery: Delivery, tls: Callable[[], ssl.SSLContext]) -> None:
        self._api, self._delivery = api, delivery
        self._line, self._before_path = Line(api.base_url, tls), urlsplit(api.base_url).path

    def send(self, rendition: Rendition, envelopes: Sequence[Envelope], date: datetime) -> Answer:
        """Carry one batch; it takes at most `connect_timeout` and twice `timeout`, whatever number of requests it needs."""
        sent = _Sent(envelopes)
        groups, refused = _carriable_groups(self._api, envelopes)
        for place in refused:
            sent.reject(place, f"the address is not one that {self._api.name} can carry")
        try:
            self._carry(sent, deque(groups), rendition, date)
        except Refused as error:
            sent.settle((), Reading(CONTENT, str(error)))
        return sent.answer(self._api.secrets)

    def close(self) -> None:
        """Let the connection go; never raises."""
        self._line.close()

    def _carry(self, sent: _Sent, waiting: deque[list[int]], rendition: Rendition, date: datetime) -> None:
        """Request after request, until one is not taken."""
        before_last = Deadline(self._delivery.connect_timeout + self._delivery.timeout)
        for _ in range(_MOST_REQUESTS):
            if not waiting or before_last.is_over():
                return
            places = waiting.popleft()
            carried = [sent.envelopes[place] for place in places]
            try:
                request = self._api.build(rendition, carried, date)
            except NotSent as error:
                sent.settle(places, Reading(_OUT_OF_REACH, str(error)))
                return
            if _is_too_large(self._api, request, places):
                waiting.extendleft(_halves(places))
                continue
            reading = self._post(request, carried, before_last)
            if reading.meaning.outcome is Outcome.REJECTED and len(places) > 1:
                waiting.extendleft(_halves(places))
                continue
            sent.settle(places, reading)
            if sent.is_troubled:
                return

    def _post(self, request: Request, carried: Sequence[Envelope], before_last: Deadline) -> Reading:
        limits = Limits(before_last.at_most(self._delivery.connect_timeout), before_last, self._delivery.timeout)
        try:
            answer = self._line.call(self._before_path + request.path, request.body, request.headers, limits)
        except NotSent as error:
            return Reading(_OUT_OF_REACH, str(error))
        except NoAnswer as error:
            return Reading(UNKNOWN, f"no answer: {error}")
        return self._api.read(answer, carried, datetime.now(UTC))


class _Sent:
    """One send, and what became of its envelopes so far: deferred as long as nothing else is known."""

    def __init__(self, envelopes: Sequence[Envelope]) -> None:
        self.envelopes = envelopes
        self.is_troubled = False
        self._outcomes = [Outcome.DEFERRED] * len(envelopes)
        self._texts: dict[int, str] = {}
        self._text = ""
        self._trouble: Trouble | None = None
        self._retry_after: float | None = None
        self._message_ids: list[str] = []

    def reject(self, place: int, words: str) -> None:
        self._outcomes[place], self._texts[place] = Outcome.REJECTED, words

    def settle(self, places: Sequence[int], reading: Reading) -> None:
        meanings = []
        for index, place in enumerate(places):
            meaning, words = reading.items.get(index, (reading.meaning, ""))
            self._outcomes[place] = meaning.outcome
            meanings.append(meaning)
            if words or meaning.outcome is Outcome.REJECTED:
                self._texts[place] = words or reading.text
        whole = reading.meaning
        if whole.outcome is not Outcome.REJECTED:
            self._text = reading.text
        self._trouble = worst([whole, *meanings])
        self._retry_after = reading.retry_after
        self.is_troubled = self._trouble is not None or whole.outcome in (Outcome.UNKNOWN, Outcome.DEFERRED)
        if reading.message_id:
            self._message_ids.append(reading.message_id)

    def answer(self, secrets: frozenset[str]) -> Answer:
        worded = bool(self._text or self._texts)
        addresses = {envelope.address.lower() for envelope in self.envelopes} if worded else set()
        return Answer(
            outcomes=tuple(self._outcomes),
            text=mask(self._text, secrets, addresses),
            texts={place: mask(words, secrets, addresses) for place, words in self._texts.items()},
            trouble=self._trouble,
            retry_after=self._retry_after,
            provider_message_id=" ".join(self._message_ids)[:200] or None,
        )


def _carriable_groups(api: HttpApi, envelopes: Sequence[Envelope]) -> tuple[list[list[int]], list[int]]:
    fine = [place for place, envelope in enumerate(envelopes) if is_carriable(envelope.address)]
    groups = [[fine[index] for index in group] for group in api.group([envelopes[place] for place in fine])]
    return groups, sorted(set(range(len(envelopes))).difference(fine))


def _is_too_large(api: HttpApi, request: Request, places: list[int]) -> bool:
    return len(request.body) > api.most_bytes and len(places) > 1


def _halves(places: list[int]) -> list[list[int]]:
    """The second and the first half, for a queue that is filled from its left."""
    half = len(places) // 2
    return [places[half:], places[:half]]


def _hide(value: str, secrets: frozenset[str]) -> str:
    for secret in secrets:
        value = value.replace(secret, "***")
    return value

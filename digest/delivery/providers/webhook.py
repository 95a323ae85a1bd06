"""The webhook port: whether what was posted to `/webhooks/NAME` is that provider's own word.

A webhook is found by the entry point group `digest.webhooks`, whose functions take `(settings: Settings)` and give one, or None
while no key is configured for it; they raise `UsageError` for a key that cannot be one. What it proves, it proves of the bytes as
they came. It is asked before anything is stored, by several threads at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol, runtime_checkable

import orjson

AHEAD = timedelta(minutes=5)
"""So far may the provider's clock be ahead of ours."""


@dataclass(frozen=True, slots=True)
class Posted:
    """What came: the headers, their names in lower case, and the body, to the byte."""

    headers: Mapping[str, str]
    body: bytes


class NotGenuine(Exception):
    """It is not proved to be the provider's, or it is stale. Says which, and nothing of what was posted."""


class Webhook(Protocol):
    """What tells a provider's own report from anybody else's."""

    def verify(self, posted: Posted, real: datetime) -> bytes:
        """What tells this report from every other, so that the same one is stored once; raises `NotGenuine`."""
        ...


@runtime_checkable
class Acting(Webhook, Protocol):
    """A webhook to which more comes than reports."""

    def act(self, body: bytes) -> bool:
        """True when a body, verified before, was no report but asked for something that is done now, over the network.

        Raises `Unreachable` when that failed, and ValueError when it is something that a person has to see to.
        """
        ...


def refuse_stale(at: datetime, real: datetime, *, lifetime: timedelta) -> None:
    """Raises `NotGenuine` when a report was signed longer ago than its provider goes on trying, or is of the future."""
    if at > real + AHEAD:
        raise NotGenuine("is signed with a time that is still to come: one of the two clocks is wrong")
    if at < real - lifetime:
        raise NotGenuine("was signed too long ago: it is repeated by somebody, or one of the two clocks is wrong")


def seconds(text: str) -> datetime:
    """A time in seconds since 1970, as headers have it; raises `NotGenuine`."""
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        raise NotGenuine("carries no time that can be one")
    return datetime.fromtimestamp(int(text), UTC)


def parsed(body: bytes, most: int) -> Mapping[str, object]:
    """The object that was posted, where the signature is a part of it; raises `NotGenuine`. Larger ones are not looked into."""
    if len(body) > most:
        raise NotGenuine("is larger than anything that this provider posts")
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise NotGenuine("is no JSON") from None
    if not isinstance(found, Mapping):
        raise NotGenuine("is no object with a signature in it")
    return found


def text_in(found: Mapping[str, object], key: str) -> str:
    """The text at `key`, empty where there is none."""
    value = found.get(key)
    return value if isinstance(value, str) else ""

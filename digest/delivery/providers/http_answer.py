"""What HTTP APIs' answers have in common: pure rules over a status, headers and a body."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from digest.delivery.providers.answer import Outcome, Trouble

_LONGEST_WAIT = 3600.0
_EPOCH = 1_000_000_000
_ORDER = (Trouble.ACCOUNT, Trouble.CONTENT, Trouble.THROTTLED, Trouble.CONNECTION)


USUALLY: dict[int, str] = {
    401: "the key is wrong, or was revoked",
    402: "the account has to be paid for",
    403: "the key lacks the right to send, or the sender is not verified",
    404: "the API's address (`host`) is wrong",
    405: "the API's address (`host`) is wrong",
    413: "the message is too large",
    429: "too much was sent in too short a time",
}
"""What a status means most of the time, for one that comes without a word."""


def with_words(status: int, words: str, usually: Mapping[int, str] = USUALLY) -> str:
    """A status with the service's words, or where it has none, with what it usually means."""
    words = words.strip()
    if words or status not in usually:
        return f"{status} {words}".strip()
    return f"{status} without a word; usually {usually[status]}"


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """One answer; header names in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def json(self) -> Any:
        """The body as JSON; None when it is none."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return None

    @property
    def said(self) -> str:
        """The beginning of the body."""
        return self.body[:500].decode("utf-8", "replace").strip()

    @property
    def words(self) -> str:
        """The status and the beginning of the body, for people."""
        return with_words(self.status, self.said)


@dataclass(frozen=True, slots=True)
class Meaning:
    """What an answer, or a part of one, says of whom it is about."""

    outcome: Outcome
    trouble: Trouble | None = None


ACCEPTED = Meaning(Outcome.ACCEPTED)
REJECTED = Meaning(Outcome.REJECTED)
UNKNOWN = Meaning(Outcome.UNKNOWN)
CONTENT = Meaning(Outcome.DEFERRED, Trouble.CONTENT)
ACCOUNT = Meaning(Outcome.DEFERRED, Trouble.ACCOUNT)
THROTTLED = Meaning(Outcome.DEFERRED, Trouble.THROTTLED)

REFUSALS: Mapping[int, Meaning] = {
    400: CONTENT,
    401: ACCOUNT,
    402: ACCOUNT,
    403: ACCOUNT,
    404: ACCOUNT,
    405: ACCOUNT,
    413: CONTENT,
    415: CONTENT,
    422: CONTENT,
    429: THROTTLED,
}
"""Statuses that say the same everywhere: nothing was taken. Whatever is not here, nor a provider's own, is unknown."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What an answer means for a request: `meaning` for all it carried, but for those in `items`, by their place in it.

    That a whole request is rejected says that an address in it was refused, not which, and that nothing was taken.
    """

    meaning: Meaning
    text: str = ""
    items: Mapping[int, tuple[Meaning, str]] = field(default_factory=dict)
    retry_after: float | None = None
    message_id: str | None = None


def worst(meanings: Sequence[Meaning]) -> Trouble | None:
    """The trouble to act on where several are told: the account's, the content's, being throttled."""
    troubles = {meaning.trouble for meaning in meanings}
    return next((trouble for trouble in _ORDER if trouble in troubles), None)


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """How many seconds to wait, by Retry-After (RFC 9110: seconds or a date), else by X-RateLimit-Reset (a Unix time); at most an hour."""
    for name in ("retry-after", "x-ratelimit-reset"):
        seconds = _seconds(headers.get(name, "").strip(), now)
        if seconds is not None:
            return min(max(seconds, 0.0), _LONGEST_WAIT)
    return None


def _seconds(value: str, now: datetime) -> float | None:
    if re.fullmatch(r"[0-9]{1,15}", value):
        number = int(value)
        return number - now.timestamp() if number > _EPOCH else float(number)
    try:
        when = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError):
        return None
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() - now.timestamp()

"""What SendGrid's answer to mail/send means: pure rules, for the whole request and for single personalizations.

The classes are those of `docs/providers/sendgrid.md`. A 4xx is all-or-nothing and surely not taken. A 5xx may come
after the mail was: there is no idempotency key, so trying again would make duplicates.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from digest.delivery.providers.answer import Outcome, Trouble
from digest.delivery.providers.http_answer import USUALLY, HttpAnswer, retry_after, with_words

_USUALLY = USUALLY | {403: "the API key lacks the right `mail.send`, or the sender is not verified (Sender Authentication)"}
_PERSONALIZATION = re.compile(r"personalizations[.\[](\d{1,4})(?!\d)")


@dataclass(frozen=True, slots=True)
class Reading:
    """What an answer means for a request: one outcome for all of it, but that `named` ones are rejected for their own sake.

    Where some are named, nothing was taken, and the request may be made again without them.
    """

    outcome: Outcome
    trouble: Trouble | None = None
    text: str = ""
    named: Mapping[int, str] = field(default_factory=dict)
    retry_after: float | None = None
    message_id: str | None = None


def read_answer(answer: HttpAnswer, personalizations: int, now: datetime) -> Reading:
    """The meaning of an answer to a request with so many personalizations."""
    text = with_words(answer.status, _words(answer.body), _USUALLY)
    match answer.status:
        case 202:
            used_up = answer.headers.get("x-ratelimit-remaining", "").strip() == "0"
            wait = retry_after(answer.headers, now) if used_up else None
            return Reading(Outcome.ACCEPTED, message_id=answer.headers.get("x-message-id"), retry_after=wait)
        case 400:
            named = _named(answer.body, personalizations)
            return Reading(Outcome.DEFERRED, None if named else Trouble.CONTENT, text, named)
        case 413 | 415:
            return Reading(Outcome.DEFERRED, Trouble.CONTENT, text)
        case 401 | 402 | 403 | 404 | 405:
            return Reading(Outcome.DEFERRED, Trouble.ACCOUNT, text)
        case 429:
            return Reading(Outcome.DEFERRED, Trouble.THROTTLED, text, retry_after=retry_after(answer.headers, now))
        case _:
            return Reading(Outcome.UNKNOWN, text=text)


def _named(body: bytes, personalizations: int) -> dict[int, str]:
    """The personalizations that errors name, each with the words about it."""
    named: dict[int, str] = {}
    for error in _errors(body):
        found = _PERSONALIZATION.match(str(error.get("field") or ""))
        if found and int(found[1]) < personalizations:
            named.setdefault(int(found[1]), f"400 {error['field']}: {error.get('message') or 'refused'}")
    return named


def _words(body: bytes) -> str:
    """The errors' own words, or the beginning of what came instead."""
    errors = _errors(body)
    if not errors:
        return body[:500].decode("utf-8", "replace")
    return "; ".join(": ".join(str(error[key]) for key in ("field", "message") if error.get(key)) for error in errors)


def _errors(body: bytes) -> list[dict[str, Any]]:
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError:
        return []
    errors = data.get("errors") if isinstance(data, dict) else None
    return [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []

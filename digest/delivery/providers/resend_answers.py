"""What Resend's answer to one mail means: pure rules, by status and by the error's name.

The classes are those of `docs/providers/resend.md`. Source: Resend, "Errors" and "Idempotency keys".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from digest.delivery.providers.http_answer import (
    ACCEPTED,
    ACCOUNT,
    REFUSALS,
    REJECTED,
    THROTTLED,
    UNKNOWN,
    HttpAnswer,
    Meaning,
    Reading,
    retry_after,
)

NAMES: Mapping[tuple[int, str], Meaning] = {
    (409, "invalid_idempotent_request"): UNKNOWN,  # the key was used for another body: that one was taken, or is being taken
    (409, "concurrent_idempotent_requests"): UNKNOWN,  # the first request with this key is still being worked on
    (422, "invalid_from_address"): ACCOUNT,
    (422, "invalid_access"): ACCOUNT,
    (422, "invalid_region"): ACCOUNT,
    (429, "daily_quota_exceeded"): ACCOUNT,
    (429, "monthly_quota_exceeded"): ACCOUNT,
    (451, "security_error"): ACCOUNT,
}
"""Where an error's name says more than its status."""

_OF_THE_RECIPIENT = re.compile(r"[`'\"]to[`'\"] field")


def read_answer(answer: HttpAnswer, now: datetime) -> Reading:
    """The meaning of an answer to a request that carried one mail."""
    told = answer.json if isinstance(answer.json, dict) else {}
    if answer.status == 200:
        taken = isinstance(told.get("id"), str)
        return Reading(ACCEPTED, message_id=told["id"]) if taken else Reading(UNKNOWN, answer.words)
    name, message = str(told.get("name") or ""), str(told.get("message") or "")
    meaning = NAMES.get((answer.status, name)) or REFUSALS.get(answer.status, UNKNOWN)
    if answer.status in (400, 422) and _OF_THE_RECIPIENT.search(message):
        meaning = REJECTED
    text = f"{answer.status} {name}: {message}" if name else answer.words
    return Reading(meaning, text, retry_after=retry_after(answer.headers, now) if meaning is THROTTLED else None)

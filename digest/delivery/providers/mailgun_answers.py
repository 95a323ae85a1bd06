"""What Mailgun's answer to a message means: pure rules; a request is taken whole or not at all.

The classes are those of `docs/providers/mailgun.md`. Source: Mailgun, "API response codes" and "Messages".
"""

from __future__ import annotations

import re
from datetime import datetime

from digest.delivery.providers.http_answer import (
    ACCEPTED,
    ACCOUNT,
    CONTENT,
    REFUSALS,
    REJECTED,
    THROTTLED,
    UNKNOWN,
    USUALLY,
    HttpAnswer,
    Meaning,
    Reading,
    retry_after,
    with_words,
)

MESSAGES: tuple[tuple[re.Pattern[str], Meaning], ...] = (
    (re.compile(r"'?to'? parameter is not a valid address", re.IGNORECASE), REJECTED),
    (re.compile(r"'?from'? parameter is not a valid address", re.IGNORECASE), ACCOUNT),
    (re.compile(r"not allowed to send|activate your|not verified|sandbox|disabled", re.IGNORECASE), ACCOUNT),
)
"""What the words of a 400 say; others refuse the content."""


_USUALLY = USUALLY | {
    401: "the key is wrong, or is of the other region (`host`)",
    404: "the sending domain is not of this account, or of the other region (`host`)",
}


def read_answer(answer: HttpAnswer, now: datetime) -> Reading:
    """The meaning of an answer. A rejected request has an address that Mailgun refuses, which it does not name."""
    told = answer.json if isinstance(answer.json, dict) else {}
    if answer.status == 200:
        message_id = told.get("id")
        return Reading(ACCEPTED, message_id=message_id) if isinstance(message_id, str) else Reading(UNKNOWN, answer.words)
    message = told.get("message")
    text = with_words(answer.status, message if isinstance(message, str) else answer.said, _USUALLY)
    meaning = REFUSALS.get(answer.status, UNKNOWN)
    if answer.status == 400:
        meaning = next((found for words, found in MESSAGES if words.search(text)), CONTENT)
    return Reading(meaning, text, retry_after=retry_after(answer.headers, now) if meaning is THROTTLED else None)

"""What Amazon SES's answer to SendEmail means: pure rules, by the error's name before its status.

The classes are those of `docs/providers/ses.md`. Source: Amazon SES API v2, "SendEmail" and "Common errors".
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

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

NAMES: Mapping[str, Meaning] = {
    "BadRequestException": CONTENT,
    "MessageRejected": CONTENT,
    "AccountSuspendedException": ACCOUNT,
    "SendingPausedException": ACCOUNT,
    "MailFromDomainNotVerifiedException": ACCOUNT,
    "NotFoundException": ACCOUNT,  # the configuration set, or the identity
    "LimitExceededException": THROTTLED,
    "TooManyRequestsException": THROTTLED,
    "ThrottlingException": THROTTLED,
    "Throttling": THROTTLED,
}
"""What an error's name says; the others (of signatures, tokens, permissions) go by their status."""


_USUALLY = USUALLY | {403: "the access key is wrong, or may not `ses:SendEmail`"}


def read_answer(answer: HttpAnswer, address: str, now: datetime) -> Reading:
    """The meaning of an answer to the request for one reader, at `address`."""
    told = answer.json if isinstance(answer.json, dict) else {}
    if answer.status == 200:
        message_id = told.get("MessageId")
        return Reading(ACCEPTED, message_id=message_id) if isinstance(message_id, str) else Reading(UNKNOWN, answer.words)
    meaning = REFUSALS.get(answer.status, UNKNOWN)
    name, message = _name(answer, told), str(told.get("message") or told.get("Message") or "")
    if meaning is not UNKNOWN:
        meaning = NAMES.get(name, meaning)
    if meaning is CONTENT and "not verified" in message:
        meaning = ACCOUNT
    elif name == "BadRequestException" and address.lower() in message.lower():
        meaning = REJECTED
    text = f"{answer.status} {name}: {message}" if name else with_words(answer.status, answer.said, _USUALLY)
    return Reading(meaning, text, retry_after=retry_after(answer.headers, now) if meaning is THROTTLED else None)


def _name(answer: HttpAnswer, told: Mapping[str, Any]) -> str:
    """The error's name, from its header or its body, without what may stand around it: `namespace#Name:http://…`."""
    name = answer.headers.get("x-amzn-errortype") or told.get("__type") or told.get("code") or ""
    return str(name).partition(":")[0].rpartition("#")[2]

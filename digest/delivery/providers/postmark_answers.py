"""What Postmark's answer to a batch means: pure rules, for the request and for each message in it.

The classes are those of `docs/providers/postmark.md`. Source: Postmark, "API error codes" and "Send batch emails".
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
    HttpAnswer,
    Meaning,
    Reading,
    retry_after,
    worst,
)

CODES: Mapping[int, Meaning] = {
    0: ACCEPTED,
    10: ACCOUNT,  # no token, or a wrong one
    100: THROTTLED,  # maintenance
    300: CONTENT,  # an invalid request, unless it names a field: see `judge`
    400: ACCOUNT,  # no such sender signature
    401: ACCOUNT,  # the sender signature is not confirmed
    402: CONTENT,  # not JSON
    403: CONTENT,  # a field that is not known
    405: ACCOUNT,  # not allowed to send: out of credits
    406: REJECTED,  # the recipient is inactive: bounced, complained, or suppressed
    409: CONTENT,  # JSON required
    410: CONTENT,  # too many messages in a batch
    411: CONTENT,  # a forbidden kind of attachment
    412: ACCOUNT,  # the account is pending approval
    413: ACCOUNT,  # the account may not send
    1226: ACCOUNT,  # no such message stream
}
"""What an `ErrorCode` says; one that is not here refuses the content, for every code but 0 says that nothing was taken."""

_OF_THE_RECIPIENT, _OF_THE_SENDER = "'To'", "'From'"  # the field that a message of code 300 names


def read_answer(answer: HttpAnswer, carried: int, now: datetime) -> Reading:
    """The meaning of an answer to a request that carried so many messages."""
    told = answer.json
    if answer.status == 200:
        return _each(told, carried, answer)
    meaning = REFUSALS.get(answer.status, UNKNOWN)
    if answer.status == 422 and isinstance(told, dict):
        meaning = judge(told)
    text = f"{answer.status} {_words(told)}" if _words(told) else answer.words
    return Reading(meaning, text, retry_after=retry_after(answer.headers, now) if meaning is THROTTLED else None)


def judge(told: Mapping[str, Any]) -> Meaning:
    """What one message's result says."""
    code = told.get("ErrorCode")
    if isinstance(code, bool) or not isinstance(code, int):
        return UNKNOWN
    if code == 0 and not isinstance(told.get("MessageID"), str):
        return UNKNOWN
    if code == 300:
        message = str(told.get("Message"))
        return REJECTED if _OF_THE_RECIPIENT in message else ACCOUNT if _OF_THE_SENDER in message else CONTENT
    return CODES.get(code, CONTENT)


def _each(told: Any, carried: int, answer: HttpAnswer) -> Reading:
    """A list with a result for each message, in their order; what has none is unknown."""
    if not isinstance(told, list) or len(told) > carried:
        return Reading(UNKNOWN, answer.words)
    results = [result if isinstance(result, dict) else {} for result in told]
    meanings = [judge(result) for result in results]
    items = {at: (meaning, "" if meaning is ACCEPTED else _words(results[at])) for at, meaning in enumerate(meanings)}
    first = next(
        (str(result.get("MessageID")) for result, meaning in zip(results, meanings, strict=True) if meaning is ACCEPTED), None
    )
    whole = ACCEPTED if len(told) == carried else UNKNOWN
    gravest = worst(meanings)
    told_of = next((_words(result) for result, meaning in zip(results, meanings, strict=True) if meaning.trouble is gravest), "")
    text = answer.words if whole is UNKNOWN else told_of if gravest else ""
    return Reading(whole, text, items, message_id=first)


def _words(told: Any) -> str:
    if not isinstance(told, dict) or "Message" not in told:
        return ""
    return f"{told.get('ErrorCode')} {told.get('Message')}"

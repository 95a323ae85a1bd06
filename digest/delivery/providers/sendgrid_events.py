"""SendGrid's Event Webhook, read: a list of objects, each one event of one reader's mail.

Whatever the signature says, an entry is text from elsewhere: one that is not as documented is a fault and stops only
itself. Source: Twilio SendGrid, "Event Webhook Reference".
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from digest.delivery.event import Cause, Event, Kind
from digest.delivery.providers.port import EventsRead
from digest.delivery.providers.wording import mask

KINDS = {
    "processed": Kind.QUEUED,
    "dropped": Kind.REJECTED,
    "deferred": Kind.DEFERRED,
    "delivered": Kind.DELIVERED,
    "bounce": Kind.BOUNCED,
    "spamreport": Kind.COMPLAINED,
    "unsubscribe": Kind.UNSUBSCRIBED,
    "group_unsubscribe": Kind.UNSUBSCRIBED,
    "open": Kind.OPENED,
    "click": Kind.CLICKED,
}
_BOUNCES = {"bounce": Cause.BOUNCED, "blocked": Cause.BLOCKED, "expired": Cause.TIMED_OUT}
_DROPS = {
    "bounced address": Cause.BOUNCED,
    "unsubscribed address": Cause.UNSUBSCRIBED,
    "spam reporting address": Cause.SPAM,
    "spam content": Cause.SPAM,
    "invalid": Cause.INVALID,
}
_EARLIEST, _LATEST = 1_200_000_000, 7_900_000_000  # seconds: the years 2008 to 2220
_ID = re.compile(r"[0-9a-f]{32}")
_SEAL = re.compile(r"[0-9a-f]{16}")
_ATTEMPT = re.compile(r"[1-9][0-9]{0,5}")
_MESSAGE_ID = re.compile(r"[!-~]{1,200}")
_FAULTS = 20


def read_events(entries: Sequence[Any]) -> EventsRead:
    """The events of one report, in its order. Kinds that say nothing of a delivery, and mails that are not of an issue, are
    counted as ignored."""
    events: list[Event] = []
    faults: list[str] = []
    ignored = wrong = 0
    for place, entry in enumerate(entries):
        try:
            event = _read(entry)
        except ValueError as error:
            wrong += 1
            if wrong <= _FAULTS:
                faults.append(f"entry {place}: {error}")
            continue
        if event is None:
            ignored += 1
        else:
            events.append(event)
    if wrong > _FAULTS:
        faults.append(f"and {wrong - _FAULTS} more")
    return EventsRead(tuple(events), ignored, tuple(faults))


def _read(entry: Any) -> Event | None:
    if not isinstance(entry, Mapping):
        raise ValueError("is not an object")
    name = entry.get("event")
    if not isinstance(name, str):
        raise ValueError("`event` is missing, or not a text")
    kind = KINDS.get(name)
    if kind is None or "delivery_id" not in entry or "seal" not in entry:
        return None
    reason = _reason(kind, entry)
    return Event(
        delivery_id=_matching(entry, "delivery_id", _ID),
        seal=_matching(entry, "seal", _SEAL),
        attempt=int(_matching(entry, "attempt_id", _ATTEMPT)) if "attempt_id" in entry else 0,
        kind=kind,
        occurred_at=_time(entry.get("timestamp")),
        provider_message_id=_matching(entry, "sg_message_id", _MESSAGE_ID),
        reason=reason,
        words="" if reason is None else _words(entry),
    )


def _reason(kind: Kind, entry: Mapping[str, Any]) -> Cause | None:
    if kind is Kind.BOUNCED:
        return _BOUNCES.get(_text(entry, "type"), Cause.OTHER)
    if kind is Kind.REJECTED:
        return _DROPS.get(_text(entry, "reason").strip().lower(), Cause.OTHER)
    return None


def _words(entry: Mapping[str, Any]) -> str:
    """The service's own words, without the reader's address."""
    address = _text(entry, "email").strip().lower()
    return mask(_text(entry, "reason")[:1000], addresses={address} if address else ())


def _time(value: Any) -> datetime:
    known = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not known or not _EARLIEST <= value <= _LATEST:
        raise ValueError("`timestamp` is not a time in seconds")
    return datetime.fromtimestamp(int(value), UTC)


def _matching(entry: Mapping[str, Any], key: str, shape: re.Pattern[str]) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not shape.fullmatch(value):
        raise ValueError(f"`{key}` is missing, or not what it looks like")
    return value


def _text(entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key)
    return value if isinstance(value, str) else ""

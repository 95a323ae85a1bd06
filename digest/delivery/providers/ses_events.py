"""Amazon SES's event records, read, also in the envelope that SNS puts them into. Source: Amazon SES, "Event data"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from digest.delivery.event import Cause, Event, Kind
from digest.delivery.providers.event_entries import (
    LASTING,
    Entry,
    UnknownKind,
    is_ours,
    make_event,
    read_each,
    table,
    text,
    time_at,
)
from digest.delivery.providers.port import EventsRead

KINDS: Mapping[str, tuple[Kind, str]] = {
    "Send": (Kind.SENT, ""),
    "Delivery": (Kind.DELIVERED, "delivery"),
    "DeliveryDelay": (Kind.DEFERRED, "deliveryDelay"),
    "Bounce": (Kind.BOUNCED, "bounce"),
    "Complaint": (Kind.COMPLAINED, "complaint"),
    "Reject": (Kind.REJECTED, ""),
    "Rendering Failure": (Kind.REJECTED, ""),
    "Subscription": (Kind.UNSUBSCRIBED, "subscription"),
    "Open": (Kind.OPENED, "open"),
    "Click": (Kind.CLICKED, "click"),
}
"""What an `eventType` is, and in which object its time stands: of some only the mail has one."""

_BOUNCES = {"Permanent": Cause.BOUNCED, "Transient": Cause.BLOCKED}


def read_events(entries: Sequence[Any]) -> EventsRead:
    """The events of one report; those of other kinds, and of mails that are not of an issue, are counted as ignored."""
    return read_each(entries, _read)


def _read(entry: Entry) -> Event | None:
    record = _unwrap(entry)
    name = record.get("eventType")
    if not isinstance(name, str):
        raise ValueError("`eventType` is missing, or not a text")
    mail = table(record, "mail")
    ids = _tags(table(mail, "tags"))
    if name not in KINDS:
        raise UnknownKind(name)
    if not is_ours(ids):
        return None
    kind, place = KINDS[name]
    told = table(record, place)
    reader = _first(told.get("bouncedRecipients"))
    readers = mail.get("destination")
    address = readers[0] if isinstance(readers, list) and readers and isinstance(readers[0], str) else ""
    words = text(reader, "diagnosticCode") or text(table(record, "reject"), "reason") or text(told, "bounceSubType")
    at = time_at(told if place else mail, "timestamp")
    return make_event(ids, (kind, _reason(kind, told)), at, mail.get("messageId"), words, address, text(told, "link"))


def _unwrap(entry: Entry) -> Entry:
    """SNS posts an object of its own, with ours as JSON in `Message`."""
    if text(entry, "Type") != "Notification":
        return entry
    try:
        inner = orjson.loads(text(entry, "Message"))
    except orjson.JSONDecodeError:
        raise ValueError("`Message` is not JSON") from None
    if not isinstance(inner, Mapping):
        raise ValueError("`Message` is not an object")
    return inner


def _reason(kind: Kind, told: Entry) -> Cause | None:
    if kind is Kind.BOUNCED:
        if text(told, "bounceType") == "Transient" and text(told, "bounceSubType") in LASTING:
            return LASTING[text(told, "bounceSubType")]
        return _BOUNCES.get(text(told, "bounceType"), Cause.OTHER)
    return Cause.OTHER if kind is Kind.REJECTED else None


def _tags(tags: Entry) -> Entry:
    """Each tag has a list of values; ours have one each."""
    return {name: values[0] for name, values in tags.items() if isinstance(values, list) and values}


def _first(readers: Any) -> Entry:
    return readers[0] if isinstance(readers, list) and readers and isinstance(readers[0], Mapping) else {}

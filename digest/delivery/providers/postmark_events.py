"""Postmark's webhooks, read: each is one record of one message. Source: Postmark, "Webhooks overview", "Bounce types"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from digest.delivery.event import Cause, Event, Kind
from digest.delivery.providers.event_entries import (
    Entry,
    Happening,
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
    "Delivery": (Kind.DELIVERED, "DeliveredAt"),
    "Bounce": (Kind.BOUNCED, "BouncedAt"),
    "SpamComplaint": (Kind.COMPLAINED, "BouncedAt"),
    "SubscriptionChange": (Kind.UNSUBSCRIBED, "ChangedAt"),
    "Open": (Kind.OPENED, "ReceivedAt"),
    "Click": (Kind.CLICKED, "ReceivedAt"),
}
"""What a `RecordType` is, and where its time stands."""

BOUNCES: Mapping[str, Happening] = {
    "HardBounce": (Kind.BOUNCED, Cause.BOUNCED),
    "BadEmailAddress": (Kind.BOUNCED, Cause.INVALID),
    "SoftBounce": (Kind.BOUNCED, Cause.OTHER),
    "Undeliverable": (Kind.BOUNCED, Cause.OTHER),
    "Unknown": (Kind.BOUNCED, Cause.OTHER),
    "VirusNotification": (Kind.BOUNCED, Cause.OTHER),
    "SpamNotification": (Kind.BOUNCED, Cause.SPAM),
    "Blocked": (Kind.BOUNCED, Cause.BLOCKED),
    "DMARCPolicy": (Kind.BOUNCED, Cause.BLOCKED),
    "Transient": (Kind.DEFERRED, None),
    "DnsError": (Kind.DEFERRED, None),
    "SpamComplaint": (Kind.COMPLAINED, None),
    "Unsubscribe": (Kind.UNSUBSCRIBED, None),
}
"""What a bounce's `Type` is. The others (automatic replies, changes of address, challenges) say nothing of a delivery."""


def read_events(entries: Sequence[Any]) -> EventsRead:
    """The events of one report; records of other kinds, and of mails that are not of an issue, are counted as ignored."""
    return read_each(entries, _read)


def _read(entry: Entry) -> Event | None:
    name = entry.get("RecordType")
    if not isinstance(name, str):
        raise ValueError("`RecordType` is missing, or not a text")
    if name not in KINDS or (name == "Bounce" and text(entry, "Type") not in BOUNCES):
        raise UnknownKind(f"{name} {text(entry, 'Type')}".strip())
    ids = table(entry, "Metadata")
    happening = _happening(name, entry)
    if happening is None or not is_ours(ids):
        return None
    address = text(entry, "Email") or text(entry, "Recipient")
    at = time_at(entry, KINDS[name][1])
    words = text(entry, "Details") or text(entry, "Description")
    return make_event(ids, happening, at, entry.get("MessageID"), words, address, text(entry, "OriginalLink"))


def _happening(name: str, entry: Entry) -> Happening | None:
    if name == "Bounce":
        return BOUNCES.get(text(entry, "Type"))
    if name == "SubscriptionChange" and not _left(entry):
        return None
    return (KINDS[name][0], None) if name in KINDS else None


def _left(entry: Entry) -> bool:
    """Whether the reader asked for it: a suppression after a bounce or a complaint is told by that."""
    return entry.get("SuppressSending") is True and text(entry, "SuppressionReason") == "ManualSuppression"

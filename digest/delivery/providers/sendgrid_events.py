"""SendGrid's Event Webhook, read: a list of objects, each one event of one reader's mail.

Source: Twilio SendGrid, "Event Webhook Reference".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from digest.delivery.event import Cause, Event, Kind
from digest.delivery.providers.event_entries import Entry, UnknownKind, make_event, read_each, seconds_at, text
from digest.delivery.providers.port import EventsRead

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


def read_events(entries: Sequence[Any]) -> EventsRead:
    """The events of one report, in its order. Kinds that say nothing of a delivery, and mails that are not of an issue, are
    counted as ignored."""
    return read_each(entries, _read)


def _read(entry: Entry) -> Event | None:
    name = entry.get("event")
    if not isinstance(name, str):
        raise ValueError("`event` is missing, or not a text")
    kind = KINDS.get(name)
    if kind is None:
        raise UnknownKind(name)
    if "delivery_id" not in entry or "seal" not in entry:
        return None
    happening = (kind, _reason(kind, entry))
    at = seconds_at(entry, "timestamp")
    message_id, words, address = entry.get("sg_message_id"), text(entry, "reason"), text(entry, "email")
    return make_event(entry, happening, at, message_id, words, address, text(entry, "url"), _is_machine(entry))


def _is_machine(entry: Entry) -> bool:
    """Whether a mail program has opened it by itself, as Apple's does."""
    return entry.get("sg_machine_open") is True


def _reason(kind: Kind, entry: Entry) -> Cause | None:
    if kind is Kind.BOUNCED:
        return _BOUNCES.get(text(entry, "type"), Cause.OTHER)
    if kind is Kind.REJECTED:
        return _DROPS.get(text(entry, "reason").strip().lower(), Cause.OTHER)
    return None

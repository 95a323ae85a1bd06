"""Mailgun's webhooks and its list of events, read. Source: Mailgun, "Events" and "Webhooks"."""

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
    seconds_at,
    table,
    text,
)
from digest.delivery.providers.port import EventsRead

KINDS: Mapping[str, Kind] = {
    "accepted": Kind.QUEUED,
    "delivered": Kind.DELIVERED,
    "failed": Kind.BOUNCED,
    "rejected": Kind.REJECTED,
    "opened": Kind.OPENED,
    "clicked": Kind.CLICKED,
    "unsubscribed": Kind.UNSUBSCRIBED,
    "complained": Kind.COMPLAINED,
}
"""What an `event` is; the others (stored, list members) say nothing of a delivery."""

FAILURES: Mapping[str, Happening] = {
    "bounce": (Kind.BOUNCED, Cause.BOUNCED),
    "suppress-bounce": (Kind.REJECTED, Cause.BOUNCED),  # Mailgun knew it, and did not try
    "suppress-complaint": (Kind.REJECTED, Cause.SPAM),
    "suppress-unsubscribe": (Kind.REJECTED, Cause.UNSUBSCRIBED),
    "espblock": (Kind.BOUNCED, Cause.BLOCKED),
    "old": (Kind.BOUNCED, Cause.TIMED_OUT),
}
"""What the `reason` of a permanent failure is; any other: bounced, for another reason."""


def read_events(entries: Sequence[Any]) -> EventsRead:
    """The events of one report; those of other kinds, and of mails that are not of an issue, are counted as ignored."""
    return read_each(entries, _read)


def _read(entry: Entry) -> Event | None:
    data = table(entry, "event-data") or entry  # a webhook's body has a signature beside it
    name = data.get("event")
    if not isinstance(name, str):
        raise ValueError("`event` is missing, or not a text")
    ids = table(data, "user-variables")
    if name not in KINDS:
        raise UnknownKind(name)
    if not is_ours(ids):
        return None
    status = table(data, "delivery-status")
    words = text(status, "message") or text(status, "description") or text(table(data, "reject"), "reason")
    message_id = text(table(table(data, "message"), "headers"), "message-id")
    happening, at, address = _happening(name, data), seconds_at(data, "timestamp"), text(data, "recipient")
    return make_event(ids, happening, at, message_id, words, address, text(data, "url"), _is_machine(data))


def _is_machine(data: Entry) -> bool:
    """Whether Mailgun takes it for a robot's. Gmail's proxy is none: it asks for a picture when a person opens the mail."""
    return text(table(data, "client-info"), "bot") in {"apple", "generic"}


def _happening(name: str, data: Entry) -> Happening:
    reason = text(data, "reason")
    if name == "failed":
        if text(data, "severity") == "temporary" and reason != "old":
            return Kind.DEFERRED, None
        return FAILURES.get(reason, (Kind.BOUNCED, Cause.OTHER))
    return KINDS[name], Cause.OTHER if name == "rejected" else None

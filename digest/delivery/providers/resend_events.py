"""Resend's webhooks, read: each is one event of one mail. Source: Resend, "Event types"."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

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

KINDS: Mapping[str, Kind] = {
    "email.sent": Kind.SENT,
    "email.delivered": Kind.DELIVERED,
    "email.delivery_delayed": Kind.DEFERRED,
    "email.bounced": Kind.BOUNCED,
    "email.complained": Kind.COMPLAINED,
    "email.opened": Kind.OPENED,
    "email.clicked": Kind.CLICKED,
    "email.failed": Kind.REJECTED,
    "email.suppressed": Kind.REJECTED,
}
"""What a `type` is; the others (scheduled, received, contacts, domains) say nothing of a delivery."""

_BOUNCES = {"Permanent": Cause.BOUNCED, "Transient": Cause.BLOCKED}


def read_events(entries: Sequence[Any]) -> EventsRead:
    """The events of one report; those of other kinds, and of mails that are not of an issue, are counted as ignored."""
    return read_each(entries, _read)


def _read(entry: Entry) -> Event | None:
    name = entry.get("type")
    if not isinstance(name, str):
        raise ValueError("`type` is missing, or not a text")
    data = table(entry, "data")
    ids = _tags(data)
    kind = KINDS.get(name)
    if kind is None:
        raise UnknownKind(name)
    if not is_ours(ids):
        return None
    bounce = table(data, "bounce")
    words = text(bounce, "message") or text(table(data, "failed"), "reason")
    readers = data.get("to")
    address = readers[0] if isinstance(readers, list) and readers and isinstance(readers[0], str) else ""
    happening, at, link = (kind, _reason(kind, name, bounce)), time_at(entry, "created_at"), text(table(data, "click"), "link")
    return make_event(ids, happening, at, data.get("email_id"), words, address, link)


def _reason(kind: Kind, name: str, bounce: Entry) -> Cause | None:
    if kind is Kind.BOUNCED:
        if text(bounce, "type") == "Transient" and text(bounce, "subType") in LASTING:
            return LASTING[text(bounce, "subType")]
        return _BOUNCES.get(text(bounce, "type"), Cause.OTHER)
    if kind is Kind.REJECTED:
        return Cause.BOUNCED if name == "email.suppressed" else Cause.OTHER
    return None


def _tags(data: Entry) -> Entry:
    """Our tags, by name: an object, or the list of pairs that they were sent as."""
    tags = data.get("tags")
    if isinstance(tags, list):
        return {text(tag, "name"): tag.get("value") for tag in tags if isinstance(tag, Mapping)}
    return table(data, "tags")

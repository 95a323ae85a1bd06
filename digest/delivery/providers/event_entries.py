"""Reports of any service, read entry by entry: one that is not as documented is a fault and stops only itself.

Whatever a signature says, an entry is text from elsewhere.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from digest.delivery.event import Cause, Event, Kind
from digest.delivery.providers.port import EventsRead
from digest.delivery.providers.wording import mask

_EARLIEST, _LATEST = 1_200_000_000, 7_900_000_000  # seconds: the years 2008 to 2220
_ID = re.compile(r"[0-9a-f]{32}")
_SEAL = re.compile(r"[0-9a-f]{16}")
_ATTEMPT = re.compile(r"[1-9][0-9]{0,5}")
_MESSAGE_ID = re.compile(r"[!-~]{1,200}")
_FAULTS = 20
_KIND = 64  # characters
_LINK = 2_000  # characters

Entry = Mapping[str, Any]
Happening = tuple[Kind, Cause | None]
"""What an entry tells: what happened, and why."""


LASTING: Mapping[str, Cause] = {
    "MailboxFull": Cause.OTHER,
    "MessageTooLarge": Cause.OTHER,
    "CustomTimeoutExceeded": Cause.TIMED_OUT,
}
"""Amazon SES's words, which Resend has from it, for transient bounces that say something of the address when they last. `General` is
what automatic answers look like, too, and the others are about the mail."""


class UnknownKind(Exception):
    """An entry of a kind that Digest has no word for; its argument is the service's word."""


def read_each(entries: Sequence[Any], read: Callable[[Entry], Event | None]) -> EventsRead:
    """The events of one report, in its order. `read` gives None for what says nothing of a delivery: it is counted as
    ignored; its ValueError is a fault, and its UnknownKind is ignored, too, and told."""
    events: list[Event] = []
    faults: list[str] = []
    unknown: set[str] = set()
    ignored = wrong = 0
    for place, entry in enumerate(entries):
        try:
            if not isinstance(entry, Mapping):
                raise ValueError("is not an object")
            event = read(entry)
        except UnknownKind as kind:
            ignored += 1
            if len(unknown) < _FAULTS:
                unknown.add(mask(str(kind)[:_KIND]))
            continue
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
    return EventsRead(tuple(events), ignored, tuple(faults), tuple(sorted(unknown)), wrong)


def is_ours(ids: Entry) -> bool:
    """Whether the ids that came back are those of an issue's mail; a test send has no seal."""
    return "delivery_id" in ids and bool(ids.get("seal"))


def make_event(
    ids: Entry,
    happening: Happening,
    at: datetime,
    message_id: Any,
    words: str = "",
    address: str = "",
    link: str = "",
    machine: bool = False,
) -> Event:
    """The event of one entry; ValueError when the ids are not what they look like. `words` are the service's, about `address`."""
    kind, reason = happening
    address = address.strip().lower()
    return Event(
        delivery_id=matching(ids, "delivery_id", _ID),
        seal=matching(ids, "seal", _SEAL),
        attempt=int(matching(ids, "attempt_id", _ATTEMPT)) if "attempt_id" in ids else 0,
        kind=kind,
        occurred_at=at,
        provider_message_id=matching({"message id": message_id}, "message id", _MESSAGE_ID),
        reason=reason,
        words="" if reason is None else mask(words[:1000], addresses={address} if address else ()),
        link=link if kind is Kind.CLICKED and len(link) <= _LINK and link.isprintable() else "",
        machine=machine,
    )


def matching(entry: Entry, key: str, shape: re.Pattern[str]) -> str:
    """The text at `key`, which has this shape."""
    value = entry.get(key)
    if not isinstance(value, str) or not shape.fullmatch(value):
        raise ValueError(f"`{key}` is missing, or not what it looks like")
    return value


def text(entry: Entry, key: str) -> str:
    """The text at `key`, empty where there is none."""
    value = entry.get(key)
    return value if isinstance(value, str) else ""


def table(entry: Entry, key: str) -> Entry:
    """The object at `key`, empty where there is none."""
    value = entry.get(key)
    return value if isinstance(value, Mapping) else {}


def seconds_at(entry: Entry, key: str) -> datetime:
    """The time at `key`, in seconds since 1970."""
    value = entry.get(key)
    known = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not known or not _EARLIEST <= value <= _LATEST:  # type: ignore[operator] # it is a number
        raise ValueError(f"`{key}` is not a time in seconds")
    return datetime.fromtimestamp(int(value), UTC)  # type: ignore[arg-type] # it is a number


def time_at(entry: Entry, key: str) -> datetime:
    """The time at `key`, in ISO 8601 with a zone."""
    try:
        when = datetime.fromisoformat(text(entry, key))
        when = when.astimezone(UTC) if when.tzinfo is not None else when
    except (ValueError, OverflowError):
        raise ValueError(f"`{key}` is not a time") from None
    if when.tzinfo is None or not _EARLIEST <= when.timestamp() <= _LATEST:
        raise ValueError(f"`{key}` is not a time with a zone")
    return when.replace(microsecond=0)

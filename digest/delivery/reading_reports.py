"""Reading a report that was posted: what it says, or why that cannot be known. Pure, of bytes that anybody may have written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import orjson

from digest.delivery.event import Event
from digest.delivery.providers.port import EventReader, EventsRead


def read_report(body: bytes, reader: EventReader) -> EventsRead:
    """What a report says; ValueError, in a sentence, where it says nothing that can be read at all."""
    try:
        entries = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"it is no JSON: {error.msg}"[:200]) from None
    if isinstance(entries, Mapping):
        entries = [entries]
    if not isinstance(entries, list):
        raise ValueError("it is no list of events, and no event")
    return reader(entries)


def of_report(events: tuple[Event, ...], report_id: int) -> tuple[Event, ...]:
    """The same events, each with the report that tells it."""
    return tuple(replace(event, report_id=report_id) for event in events)


def account_of(read: EventsRead) -> dict[str, Any]:
    """How many entries of which kind there were, and the provider's words for kinds that Digest has no word for."""
    return {"events": len(read.events), "ignored": read.ignored, "faulty": read.wrong, "unknown": list(read.unknown)}


def fault_of(read: EventsRead) -> str | None:
    """Why a report is not read whole; None when it is."""
    if not read.faults:
        return None
    more = f", and {read.wrong - 1:,} more" if read.wrong > 1 else ""
    return read.faults[0] + more

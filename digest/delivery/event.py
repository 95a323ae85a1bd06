"""What a provider can report of a delivery after it was handed over, and what that proves: plain data, pure decisions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from digest.delivery.transitions import PROVABLE, DeliveryState


class Kind(StrEnum):
    """What happened."""

    QUEUED = "queued"  # the provider has it and will try
    SENT = "sent"  # the provider handed it on
    REJECTED = "rejected"  # the provider took the request and then dropped this one
    DEFERRED = "deferred"  # the reader's server said "later"; the provider goes on trying
    DELIVERED = "delivered"  # the reader's server took it
    BOUNCED = "bounced"  # the reader's server refused it, and the provider gave up
    COMPLAINED = "complained"  # the reader called it spam
    UNSUBSCRIBED = "unsubscribed"  # the reader left
    OPENED = "opened"
    CLICKED = "clicked"


class Cause(StrEnum):
    """Why something was rejected or bounced."""

    INVALID = "invalid"
    BOUNCED = "bounced"
    TIMED_OUT = "timed_out"
    BLOCKED = "blocked"  # for now: says nothing of the address
    SPAM = "spam"
    UNSUBSCRIBED = "unsubscribed"
    OTHER = "other"


MAIL = "mail"
"""Whose word an event is that came by mail, in histories and as the source of a suppression. It tells what went wrong, and of
what arrived only now and then."""

HARD = (Cause.INVALID, Cause.BOUNCED)
"""Causes of a bounce that will be the same next time: the address must not be mailed."""

REPORTED = (Kind.DELIVERED, Kind.BOUNCED, Kind.COMPLAINED)
"""What `delivery.reported` may hold, in the order in which it grows."""

ACCEPTING = tuple(kind for kind in Kind if kind is not Kind.REJECTED)
"""Kinds that prove that the provider had taken the mail."""


@dataclass(frozen=True, slots=True)
class Event:
    """One report of a provider, as its adapter understood it.

    `delivery_id` and `seal` are what the envelope carried; `attempt` is its attempt, 0 when the provider does not say.
    `words` are the provider's own, masked. `link` is where a click leads. `machine` is what the provider itself takes for no person's
    act. `report_id` is the report that tells it, when one does.
    """

    delivery_id: str
    attempt: int
    kind: Kind
    occurred_at: datetime
    provider_message_id: str
    reason: Cause | None = None
    words: str = ""
    seal: str = ""
    link: str = ""
    machine: bool = False
    report_id: int | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """Of one stored event, what its delivery's fate depends on."""

    kind: Kind
    attempt: int
    reason: str = ""

    @property
    def hard(self) -> bool:
        """Whether it is a bounce that will be the same next time."""
        return self.kind is Kind.BOUNCED and self.reason in HARD


def proved(state: DeliveryState, attempts: int, heard: Iterable[Heard]) -> tuple[DeliveryState, Heard | None]:
    """Where a delivery stands after everything that was heard of it, and which of it decided that; None: it stays.

    That it was taken proves any attempt's event; that it was dropped, for one that is unknown, only an event of its last
    attempt. The order plays no part.
    """
    events = sorted(heard, key=lambda one: (_ORDER[one.kind], one.attempt, one.reason))
    taken = next((one for one in events if one.kind is not Kind.REJECTED), None)
    if taken is not None:
        return (DeliveryState.ACCEPTED, taken) if state in PROVABLE else (state, None)
    dropped = (one for one in events if one.attempt == attempts or (one.attempt == 0 and attempts <= 1))
    found = next(dropped, None) if state is DeliveryState.UNKNOWN else None
    return (state, None) if found is None else (DeliveryState.REJECTED, found)


def furthest(before: str | None, heard: Iterable[Heard]) -> str | None:
    """What is known of a delivery's end: it only grows."""
    ranks = [_RANK[one.kind] for one in heard if one.kind in _RANK]
    known = -1 if before is None else _RANK[Kind(before)]
    best = max([known, *ranks])
    return None if best < 0 else REPORTED[best].value


_ORDER = {kind: place for place, kind in enumerate([Kind.DELIVERED, *(kind for kind in Kind if kind is not Kind.DELIVERED)])}
_RANK = {kind: place for place, kind in enumerate(REPORTED)}

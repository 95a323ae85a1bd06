"""When bounces end the mailing of an address. Pure: told what became of its deliveries, it decides.

A hard bounce and a complaint do at once. What may pass (a full mailbox, a server out of reach) does only when it lasts: so many mails
in a row, over at least so long, and not one between them that arrived. That the sender was blocked says nothing of an address, ever.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from digest.delivery.event import HARD, Cause, Heard, Kind

SOFT = (Cause.TIMED_OUT, Cause.OTHER)
"""Causes of a bounce that may pass, and count when they last."""


@dataclass(frozen=True, slots=True)
class SoftRule:
    """After so many in a row, the first and the last at least `span` apart; with none it is off."""

    many: int = 3
    span: timedelta = timedelta(days=14)


USUAL = SoftRule()


class Fate(StrEnum):
    """What one delivery says of its address."""

    ARRIVED = "arrived"
    SOFT = "soft"
    NOTHING = "nothing"


class Verdict(StrEnum):
    """Why an address is to be mailed no more; the value is the reason that is kept."""

    COMPLAINED = "complained"
    BOUNCED = "bounced"
    SOFT = "soft bounces"


_ARRIVED = frozenset({Kind.DELIVERED, Kind.OPENED, Kind.CLICKED, Kind.UNSUBSCRIBED, Kind.COMPLAINED})


def at_once(heard: Heard) -> Verdict | None:
    """Whether one event ends it by itself."""
    if heard.kind is Kind.COMPLAINED:
        return Verdict.COMPLAINED
    return Verdict.BOUNCED if heard.kind is Kind.BOUNCED and heard.reason in HARD else None


def is_soft(heard: Heard) -> bool:
    """Whether an event is one of those that count when they last."""
    return heard.kind is Kind.BOUNCED and heard.reason in SOFT


def fate(heard: Iterable[Heard], *, silent: bool) -> Fate:
    """What the events of one delivery come to. A delivery that was accepted and of which nothing was heard has arrived where the
    service is `silent` about what it delivers, as mail relays are; where it tells, nothing is known."""
    events = list(heard)
    if any(is_soft(one) for one in events):  # also after it was called delivered: some systems bounce later
        return Fate.SOFT
    if any(one.kind in _ARRIVED for one in events):
        return Fate.ARRIVED
    bounced = any(one.kind is Kind.BOUNCED for one in events)
    return Fate.NOTHING if bounced or not silent else Fate.ARRIVED


def lasts(fates: Iterable[tuple[datetime, Fate]], rule: SoftRule) -> bool:
    """Whether the soft bounces of an address have lasted; `fates` are those of its deliveries, oldest first."""
    if not rule.many:
        return False
    row: list[datetime] = []
    for at, one in fates:
        if one is Fate.ARRIVED:
            row = []
        elif one is Fate.SOFT:
            row.append(at)
    return len(row) >= rule.many and row[-1] - row[0] >= rule.span

"""A subscription: what one subscriber gets of one newsletter, and whether they get it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class SubscriptionState(StrEnum):
    """Whether a subscription is served."""

    PENDING = "pending"
    """Asked for and not confirmed: nothing is sent."""
    ACTIVE = "active"
    """Confirmed: every issue of its frequency considers it."""
    PAUSED = "paused"
    """Confirmed, and at rest for a while: nothing is sent, and afterwards comes what they missed."""
    UNSUBSCRIBED = "unsubscribed"
    """Ended by the subscriber: nothing is sent."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a subscription says. `topics` is canonical; `coverage` is the arrival number up to which it was considered."""

    topics: str
    frequency: str
    state: SubscriptionState
    coverage: int
    confirmed_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription(Terms):
    """The terms between one subscriber and one newsletter, as stored. `owed` is canonical, as `digest.issues.owed` reads it.

    `paused_until` is when a paused one goes on by itself; None: when somebody says so.
    """

    id: int
    subscriber_id: int
    newsletter: str
    owed: str
    created_at: datetime
    paused_until: datetime | None

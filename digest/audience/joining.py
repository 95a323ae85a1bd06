"""Joining: what becomes of a subscription when somebody asks for it. Pure: it is told everything and decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from digest.audience.subscription import SubscriptionState, Terms
from digest.audience.topics import ALL_TOPICS
from digest.audience.wish import Wish


class Outcome(StrEnum):
    """What a wish did."""

    ADDED = "added"
    """A new subscription."""
    UPDATED = "updated"
    """Something of the person or the subscription changed."""
    UNCHANGED = "unchanged"
    """Everything was so already."""
    KEPT_AWAY = "kept_away"
    """They had unsubscribed, and stay so; nothing of theirs was touched."""


_TO_ACTIVATE = frozenset({SubscriptionState.PENDING, SubscriptionState.UNSUBSCRIBED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What holds for all who join one newsletter in one go.

    `points` are the coverage points of the newsletter's frequencies; one that is missing is 0: nothing was sent yet.
    `may_return` says whether a confirmed wish brings back who unsubscribed: the operator's word for one person
    does, a file of many never does.
    """

    default_frequency: str
    points: Mapping[str, int]
    may_return: bool
    now: datetime


def join(terms: Terms | None, wish: Wish, rules: Rules) -> tuple[Terms, Outcome]:
    """The terms after a wish, and what it did. Consent given is never taken away by a wish that has none."""
    if terms is None:
        return _begin(wish, rules), Outcome.ADDED
    if terms.state is SubscriptionState.UNSUBSCRIBED and not (wish.confirmed and rules.may_return):
        return terms, Outcome.KEPT_AWAY
    after = terms
    topics = terms.topics if wish.choices.topics is None else wish.choices.topics
    frequency = wish.choices.frequency or terms.frequency
    if (topics, frequency) != (terms.topics, terms.frequency):
        after = replace(terms, topics=topics, frequency=frequency)
    if wish.confirmed and terms.state in _TO_ACTIVATE:
        after = _activate(after, rules)
    return after, Outcome.UNCHANGED if after is terms else Outcome.UPDATED


def _begin(wish: Wish, rules: Rules) -> Terms:
    frequency = wish.choices.frequency or rules.default_frequency
    return Terms(
        topics=ALL_TOPICS if wish.choices.topics is None else wish.choices.topics,
        frequency=frequency,
        state=SubscriptionState.ACTIVE if wish.confirmed else SubscriptionState.PENDING,
        coverage=rules.points.get(frequency, 0),
        confirmed_at=rules.now if wish.confirmed else None,
    )


def _activate(terms: Terms, rules: Rules) -> Terms:
    """Who was never confirmed starts now, at the point of their frequency; who comes back keeps their own and misses nothing."""
    first = terms.confirmed_at is None
    return replace(
        terms,
        state=SubscriptionState.ACTIVE,
        coverage=rules.points.get(terms.frequency, 0) if first else terms.coverage,
        confirmed_at=rules.now,
        ended_at=None,
    )

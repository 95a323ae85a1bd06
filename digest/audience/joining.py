"""Joining: what becomes of a subscription when somebody asks for it. Pure: it is told everything and decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from digest.audience.subscription import SubscriptionState, Terms
from digest.audience.themselves import UNHEARD, Themselves
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
    LEFT = "left"
    """They left with another tool, and are known here from now on as having left."""
    ENDED = "ended"
    """They left with another tool, and had a subscription here, which has ended."""
    STAYED = "stayed"
    """They left with another tool, but agreed here themselves, or since; nothing of theirs was touched."""
    GONE = "gone"
    """They left with another tool, and had left here already."""


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


def join(terms: Terms | None, wish: Wish, rules: Rules, themselves: Themselves = UNHEARD) -> tuple[Terms, Outcome]:
    """The terms after a wish, and what it did. Consent given is never taken away by a wish that has none.

    `themselves` is what a wish from a file does not overrule.
    """
    if wish.left:
        return _leave(terms, wish, rules, themselves)
    if terms is None:
        return _begin(wish, rules), Outcome.ADDED
    if terms.state is SubscriptionState.UNSUBSCRIBED and not (wish.confirmed and rules.may_return):
        return terms, Outcome.KEPT_AWAY
    after = terms
    topics, frequency = _asked_for(terms, wish)
    if not themselves.chose and (topics, frequency) != (terms.topics, terms.frequency):
        after = replace(terms, topics=topics, frequency=frequency)
    if wish.confirmed and terms.state in _TO_ACTIVATE:
        after = _activate(after, rules)
    return after, Outcome.UNCHANGED if after is terms else Outcome.UPDATED


def wants_otherwise(terms: Terms, wish: Wish) -> bool:
    """Whether a wish asks for other topics, or another frequency."""
    return _asked_for(terms, wish) != (terms.topics, terms.frequency)


def _asked_for(terms: Terms, wish: Wish) -> tuple[str, str]:
    topics = terms.topics if wish.choices.topics is None else wish.choices.topics
    return topics, wish.choices.frequency or terms.frequency


def _leave(terms: Terms | None, wish: Wish, rules: Rules, themselves: Themselves) -> tuple[Terms, Outcome]:
    """Who is not known here starts, should they ever come, when they come. Who is served here is not, from now on."""
    left_at = None if wish.past is None else wish.past.left_at
    if terms is None:
        return replace(_begin(wish, rules), state=SubscriptionState.UNSUBSCRIBED, ended_at=left_at or rules.now), Outcome.LEFT
    if terms.state is SubscriptionState.UNSUBSCRIBED:
        return terms, Outcome.GONE
    if themselves.agreed_since(left_at):
        return terms, Outcome.STAYED
    return replace(terms, state=SubscriptionState.UNSUBSCRIBED, ended_at=rules.now), Outcome.ENDED


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

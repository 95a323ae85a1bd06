"""Ordering: which of the articles that qualified comes first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from digest.settings import Order

if TYPE_CHECKING:
    from digest.issues.selection import Candidate, Qualified, Reason, Rules

_BEGINNING = datetime.min.replace(tzinfo=UTC)
_RANKS = {"pinned": 0, "carried_over": 1}
_Key = tuple[float, ...]


def in_order(qualified: Sequence[Qualified], rules: Rules) -> list[Qualified]:
    """Pinned in the editor's order, then owed, then new; within owed and new as `rules.order` says, ids settle ties."""
    places = {article: place for place, article in enumerate(rules.pinned)}
    preferred = preference(rules.order)
    featured_first = rules.order is Order.FEATURED

    def key(item: Qualified) -> tuple[int, int, bool, _Key]:
        candidate, reason, _ = item
        which = rank(reason)
        later = featured_first and which == 2 and not candidate.featured
        return which, places.get(candidate.id, 0), later, preferred(candidate)

    return sorted(qualified, key=key)


def rank(reason: Reason) -> int:
    """Whether it is pinned (0), owed (1) or new (2)."""
    return _RANKS.get(reason, 2)


def preference(order: Order) -> Callable[[Candidate], _Key]:
    """By this, candidates of one rank are sorted; those without a date come last among equals."""
    return {Order.OLDEST: oldest_first, Order.POPULAR: most_popular_first}.get(order, newest_first)


def newest_first(candidate: Candidate) -> _Key:
    """The latest first."""
    return -_age(candidate), -candidate.id


def oldest_first(candidate: Candidate) -> _Key:
    """The earliest first."""
    return candidate.published_at is None, _age(candidate), candidate.id


def most_popular_first(candidate: Candidate) -> _Key:
    """The most clicked first; among those equally clicked, as most are with none, by their own number; then the latest."""
    return -candidate.clicks, -candidate.popularity, *newest_first(candidate)


def _age(candidate: Candidate) -> float:
    return ((candidate.published_at or _BEGINNING) - _BEGINNING).total_seconds()

"""Known mistakes about coverage, seeded into Digest one by one: drawn lives must catch each of them.

A mutant is a patch of the product; the proof passes on the product as it is, and raises `AssertionError` on the mutant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from unittest import mock

from sqlalchemy import Connection, select, update

from digest.app import sending
from digest.audience import enrolment, pausing
from digest.audience.joining import Rules, join
from digest.audience.subscription import Terms
from digest.audience.wish import Wish
from digest.catalogue.storing import highest_arrival
from digest.delivery import composing, had, plan, settling
from digest.delivery.transitions import DeliveryState
from digest.issues import selection
from digest.issues.issue import Issue
from digest.issues.selection import Candidate, Reader, Reason
from digest.store import tables

_subscription = tables.subscription.c


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mistake."""

    name: str
    patch: Callable[[], AbstractContextManager[Any]]


@contextmanager
def coverage_point_moved_too_far() -> Iterator[None]:
    """Who was considered moves to the newest article there is, whatever the issue could hold."""
    original = settling._settle

    def settle(connection: Connection, issue: Issue, now: datetime, counted: Mapping[str, int] | None) -> None:
        original(connection, issue, now, counted)
        row = tables.delivery.c
        theirs = select(row.subscriber_id).where(row.issue_id == issue.id, row.state != DeliveryState.SUPPRESSED.value)
        moved = update(tables.subscription).where(_subscription.subscriber_id.in_(theirs))
        connection.execute(moved.values(coverage=highest_arrival(connection)))

    with mock.patch.object(settling, "_settle", settle):
        yield


def owed_is_not_recorded() -> AbstractContextManager[Any]:
    """What finds no room is forgotten."""
    return mock.patch.object(composing, "older", return_value={})


@contextmanager
def window_by_date() -> Iterator[None]:
    """What is older than the newest article that was covered is taken for covered."""
    newest: dict[int, datetime] = {}
    original = selection._qualify

    def qualify(candidate: Candidate, rules: Any, reader: Reader, cutoff: int) -> Reason:
        found = original(candidate, rules, reader, cutoff)
        if candidate.published_at is None or candidate.arrival is None:
            return found
        newest[candidate.arrival] = candidate.published_at
        last = max((at for arrival, at in newest.items() if arrival <= reader.coverage), default=candidate.published_at)
        new = found in {Reason.NEW, Reason.FEATURED}
        return Reason.ALREADY_COVERED if new and candidate.published_at < last else found

    with mock.patch.object(selection, "_qualify", qualify):
        yield


def what_is_on_its_way_does_not_count() -> AbstractContextManager[Any]:
    """Only what was accepted is known to have been had."""
    return mock.patch.object(had, "COUNTS_AS_SENT", (DeliveryState.ACCEPTED,))


def what_is_rejected_is_not_given_back() -> AbstractContextManager[Any]:
    """Whatever became of a delivery, its articles count as sent."""
    return mock.patch.object(settling, "_owed_now", return_value=tables.audience_group.c.owed_after)


@contextmanager
def a_switch_moves_the_point() -> Iterator[None]:
    """Who changes their frequency begins at its point, as if they were new."""

    def joined(terms: Terms | None, wish: Wish, rules: Rules) -> Any:
        after, outcome = join(terms, wish, rules)
        if terms is not None and after.frequency != terms.frequency:
            after = replace(after, coverage=rules.points.get(after.frequency, 0))
        return after, outcome

    with mock.patch.object(enrolment, "join", joined):
        yield


@contextmanager
def a_pause_ends_at_the_point() -> Iterator[None]:
    """Who comes back from a pause begins at the point of their frequency."""
    by_hand, by_itself = pausing.resume, pausing.resume_due

    def move(connection: Connection, *which: Any) -> None:
        row = tables.coverage.c
        point = select(row.point).where(row.newsletter == _subscription.newsletter, row.frequency == _subscription.frequency)
        moved = update(tables.subscription).where(_subscription.state == "paused", point.exists(), *which)
        connection.execute(moved.values(coverage=point.scalar_subquery()))

    def resume(connection: Connection, subscription_id: int) -> bool:
        move(connection, _subscription.id == subscription_id)
        return by_hand(connection, subscription_id)

    def resume_due(connection: Connection, *, now: datetime) -> int:
        move(connection, _subscription.paused_until <= now)
        return by_itself(connection, now=now)

    with mock.patch.object(pausing, "resume", resume), mock.patch.object(sending, "resume_due", resume_due):
        yield


@contextmanager
def what_was_had_already_is_sent() -> Iterator[None]:
    """The words of a person are written down and not read."""
    with (
        mock.patch.object(plan, "had_by_everybody", return_value={}),
        mock.patch.object(had, "parse_already", return_value=frozenset()),
    ):
        yield


@contextmanager
def what_is_owed_expires_too_early() -> Iterator[None]:
    """It is dropped after half as many issues as `carry_over` says."""
    original = selection._qualify

    def qualify(candidate: Candidate, rules: Any, reader: Reader, cutoff: int) -> Reason:
        return original(candidate, replace(rules, carry_over=rules.carry_over // 2), reader, cutoff)

    with mock.patch.object(selection, "_qualify", qualify):
        yield


def what_another_newsletter_gives_back_is_forgotten() -> AbstractContextManager[Any]:
    """What is on its way with another newsletter counts as had for good."""
    return mock.patch.object(composing.Composer, "_window", return_value=frozenset())


MUTANTS = (
    Mutant("coverage point moved too far", coverage_point_moved_too_far),
    Mutant("owed is not recorded", owed_is_not_recorded),
    Mutant("window by date", window_by_date),
    Mutant("what is on its way does not count", what_is_on_its_way_does_not_count),
    Mutant("what is rejected is not given back", what_is_rejected_is_not_given_back),
    Mutant("a switch moves the point", a_switch_moves_the_point),
    Mutant("a pause ends at the point", a_pause_ends_at_the_point),
    Mutant("what was had already is sent", what_was_had_already_is_sent),
    Mutant("what is owed expires too early", what_is_owed_expires_too_early),
    Mutant("what another newsletter gives back is forgotten", what_another_newsletter_gives_back_is_forgotten),
)

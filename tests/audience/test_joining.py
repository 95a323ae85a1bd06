"""Consent and coverage, decided without a store."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.audience.joining import Outcome, Rules, join
from digest.audience.subscription import SubscriptionState, Terms
from digest.audience.wish import Choices, Wish

NOW = datetime(2026, 11, 20, tzinfo=UTC)
BEFORE = datetime(2026, 1, 1, tzinfo=UTC)
RULES = Rules(default_frequency="weekly", points={"weekly": 40, "daily": 55}, may_return=False, now=NOW)
NOTHING = Choices(None, None, None, None)


def wish(choices: Choices = NOTHING, *, confirmed: bool = False) -> Wish:
    return Wish("Ann@x.example", "ann@x.example", None, choices, confirmed)


def terms(state: SubscriptionState, *, coverage: int = 12) -> Terms:
    confirmed_at = None if state is SubscriptionState.PENDING else BEFORE
    return Terms("python", "weekly", state, coverage, confirmed_at, BEFORE if state is SubscriptionState.UNSUBSCRIBED else None)


def test_a_new_subscription_starts_at_the_coverage_point_of_its_frequency() -> None:
    assert join(None, wish(confirmed=True), RULES) == (
        Terms("*", "weekly", SubscriptionState.ACTIVE, 40, NOW),
        Outcome.ADDED,
    )


def test_before_the_first_issue_the_whole_seed_is_to_come() -> None:
    assert join(None, wish(confirmed=True), replace(RULES, points={}))[0].coverage == 0


def test_who_confirms_late_starts_when_they_confirm() -> None:
    after, outcome = join(terms(SubscriptionState.PENDING, coverage=3), wish(confirmed=True), RULES)
    assert (after.state, after.coverage, after.confirmed_at, outcome) == (
        SubscriptionState.ACTIVE,
        40,
        NOW,
        Outcome.UPDATED,
    )


def test_who_confirms_with_another_frequency_starts_at_that_ones_point() -> None:
    daily = Choices(None, "daily", None, None)
    assert join(terms(SubscriptionState.PENDING), wish(daily, confirmed=True), RULES)[0].coverage == 55


def test_a_changed_frequency_keeps_its_own_coverage_point() -> None:
    after, _ = join(terms(SubscriptionState.ACTIVE), wish(Choices(None, "daily", None, None)), RULES)
    assert after == replace(terms(SubscriptionState.ACTIVE), frequency="daily")


def test_what_is_not_given_stays() -> None:
    before = terms(SubscriptionState.ACTIVE)
    assert join(before, wish(), RULES) == (before, Outcome.UNCHANGED)


def test_who_comes_back_keeps_the_coverage_point_and_misses_nothing() -> None:
    after, _ = join(terms(SubscriptionState.UNSUBSCRIBED), wish(confirmed=True), replace(RULES, may_return=True))
    assert after == Terms("python", "weekly", SubscriptionState.ACTIVE, 12, NOW, None)


@pytest.mark.parametrize(("confirmed", "may_return"), [(False, False), (True, False), (False, True)])
def test_who_left_stays_away_unless_the_operator_vouches(confirmed: bool, may_return: bool) -> None:
    gone = terms(SubscriptionState.UNSUBSCRIBED)
    asked = wish(Choices("*", "daily", None, None), confirmed=confirmed)
    assert join(gone, asked, replace(RULES, may_return=may_return)) == (gone, Outcome.KEPT_AWAY)


_STATES = st.sampled_from(SubscriptionState)
_CHOICES = st.builds(Choices, st.sampled_from([None, "*", "python"]), st.sampled_from([None, "daily"]), st.none(), st.none())


@given(_STATES, _CHOICES, st.booleans())
def test_consent_is_never_taken_away_and_a_second_time_changes_nothing(
    state: SubscriptionState, choices: Choices, confirmed: bool
) -> None:
    before = terms(state)
    after, _ = join(before, wish(choices, confirmed=confirmed), RULES)
    assert after.state is before.state or (confirmed and state is SubscriptionState.PENDING)
    again, outcome = join(after, wish(choices, confirmed=confirmed), RULES)
    assert again == after
    assert outcome in {Outcome.UNCHANGED, Outcome.KEPT_AWAY}

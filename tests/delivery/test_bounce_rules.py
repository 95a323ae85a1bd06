"""When bounces end the mailing of an address: a table of rules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from digest.delivery.bounce_rules import Fate, SoftRule, Verdict, at_once, fate, is_soft, lasts
from digest.delivery.event import Cause, Heard, Kind

B = Kind.BOUNCED
MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)


def heard(*kinds: Kind | tuple[Kind, Cause]) -> list[Heard]:
    return [Heard(*((one[0], 0, one[1].value) if isinstance(one, tuple) else (one, 0))) for one in kinds]


@pytest.mark.parametrize(
    ("kind", "cause", "verdict", "soft"),
    [
        (B, Cause.INVALID, Verdict.BOUNCED, False),
        (B, Cause.BOUNCED, Verdict.BOUNCED, False),
        (B, Cause.BLOCKED, None, False),  # never
        (B, Cause.SPAM, None, False),  # of the content
        (B, Cause.UNSUBSCRIBED, None, False),
        (B, Cause.TIMED_OUT, None, True),
        (B, Cause.OTHER, None, True),
        (B, None, None, False),
        (Kind.DEFERRED, None, None, False),  # it may arrive yet
        (Kind.REJECTED, Cause.INVALID, None, False),  # by the provider, not by the reader's server
        (Kind.COMPLAINED, None, Verdict.COMPLAINED, False),
        (Kind.DELIVERED, None, None, False),
        (Kind.OPENED, None, None, False),
    ],
)
def test_what_one_event_comes_to(kind: Kind, cause: Cause | None, verdict: Verdict | None, soft: bool) -> None:
    one = Heard(kind, 0, cause.value if cause else "")
    assert (at_once(one), is_soft(one)) == (verdict, soft)


@pytest.mark.parametrize(
    ("events", "silent", "expected"),
    [
        ([], True, Fate.ARRIVED),  # relays say nothing of what arrives
        ([], False, Fate.NOTHING),
        ([Kind.DELIVERED], False, Fate.ARRIVED),
        ([Kind.OPENED], False, Fate.ARRIVED),
        ([Kind.DEFERRED], False, Fate.NOTHING),
        ([Kind.DEFERRED, (B, Cause.TIMED_OUT)], True, Fate.SOFT),
        ([(B, Cause.OTHER)], False, Fate.SOFT),
        ([Kind.DELIVERED, (B, Cause.OTHER)], False, Fate.SOFT),  # some bounce later
        ([(B, Cause.BLOCKED)], True, Fate.NOTHING),
        ([(B, Cause.INVALID)], True, Fate.NOTHING),
    ],
)
def test_what_one_delivery_says_of_its_address(events: list[Kind | tuple[Kind, Cause]], silent: bool, expected: Fate) -> None:
    assert fate(heard(*events), silent=silent) is expected


S, A, N = Fate.SOFT, Fate.ARRIVED, Fate.NOTHING


@pytest.mark.parametrize(
    ("fates", "days", "rule", "expected"),
    [
        ([S, S, S], 7, SoftRule(), True),
        ([S, S], 7, SoftRule(), False),  # too few
        ([S, S, S], 1, SoftRule(), False),  # a full mailbox over a weekend, of a daily newsletter
        ([S] * 15, 1, SoftRule(), True),
        ([S, S, A, S], 7, SoftRule(), False),  # one arrived between
        ([S, S, A, S, S, S], 7, SoftRule(), True),
        ([S, N, S, N, S], 7, SoftRule(), True),  # that we were blocked says nothing
        ([S, S, S, A], 7, SoftRule(), False),
        ([S] * 50, 7, SoftRule(many=0), False),
        ([S], 7, SoftRule(many=1, span=timedelta(0)), True),
        ([], 7, SoftRule(many=1, span=timedelta(0)), False),
    ],
)
def test_soft_bounces_count_when_they_last(fates: list[Fate], days: int, rule: SoftRule, expected: bool) -> None:
    assert lasts([(MONDAY + place * timedelta(days=days), one) for place, one in enumerate(fates)], rule) is expected

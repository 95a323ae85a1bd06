"""Every pair of states: which steps there are."""

from __future__ import annotations

import pytest

from digest.delivery.transitions import COUNTS_AS_SENT, STEPS, UNSENT, DeliveryState, may

D = DeliveryState
THERE_ARE = {
    D.PLANNED: {D.CLAIMED, D.SUPPRESSED, D.CANCELLED, D.EXPIRED},
    D.CLAIMED: {D.SENDING, D.PLANNED, D.SUPPRESSED, D.CANCELLED, D.EXPIRED},
    D.SENDING: {D.CLAIMED, D.ACCEPTED, D.REJECTED, D.DEFERRED, D.UNKNOWN},  # to claimed: surely not handed over
    D.DEFERRED: {D.PLANNED, D.SUPPRESSED, D.CANCELLED, D.EXPIRED},
    D.UNKNOWN: {D.ACCEPTED, D.REJECTED, D.PLANNED},
}


@pytest.mark.parametrize("start", DeliveryState)
@pytest.mark.parametrize("end", DeliveryState)
def test_each_step_is_there_or_is_not(start: DeliveryState, end: DeliveryState) -> None:
    assert may(start, end) == (end in THERE_ARE.get(start, set()))


def test_whatever_may_still_arrive_counts_as_sent_and_whatever_ended_unsent_does_not() -> None:
    ended = {state for state, steps in STEPS.items() if not steps}
    assert set(COUNTS_AS_SENT) == (set(DeliveryState) - ended) | {D.ACCEPTED}
    assert set(UNSENT) < set(COUNTS_AS_SENT)
    assert D.UNKNOWN not in UNSENT  # an issue settles without it

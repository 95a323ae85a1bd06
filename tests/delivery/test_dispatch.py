"""The step machine, told what happened: no thread, no socket, no clock."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from digest.delivery.dispatch import Dispatch
from digest.delivery.ending import Ending
from digest.delivery.pacing import Pace
from digest.delivery.providers.answer import Answer, Outcome, Trouble
from digest.delivery.steps import (
    Answered,
    Claim,
    ClaimAnswered,
    Claimed,
    Drain,
    Finish,
    Lost,
    Mark,
    Marked,
    MarkRefused,
    NotHandedOver,
    Release,
    Send,
    Settle,
    Spared,
    TakeBack,
)
from digest.delivery.transitions import STEPS, UNSENT, DeliveryState, may
from tests.delivery.dispatching import NOW, answer, bad, confirm, good, machine, sending


def test_nothing_is_sent_before_its_mark_is_confirmed_and_only_who_was_marked() -> None:
    dispatch = machine(unit=3)
    dispatch.next(NOW)
    dispatch.hear(ClaimAnswered(0, Claimed(7, 1, (1, 2, 3, 4))), NOW)
    assert dispatch.next(NOW) == [Mark(0, 7, (1, 2, 3))]
    assert dispatch.next(NOW) == []
    assert dispatch.sends(NOW) == []
    dispatch.hear(Marked(0, (1, 3)), NOW)
    assert dispatch.next(NOW) == []
    assert dispatch.sends(NOW) == [Send(0, 7, 1, (1, 3))]
    assert dispatch.sends(NOW) == []
    assert answer(dispatch, good(2)) == [Mark(0, 7, (4,))]


def test_a_batch_that_is_done_is_finished_and_the_next_claimed() -> None:
    dispatch = machine()
    sending(dispatch, people=(1,))
    assert answer(dispatch, good()) == [Finish(1), Claim(0, 10)]
    dispatch.hear(ClaimAnswered(0, None), NOW)
    assert (dispatch.finished, dispatch.ending) == (True, Ending.EMPTY)


def test_a_lane_that_finds_nothing_does_not_stop_the_others() -> None:
    dispatch = machine(lanes=2)
    dispatch.next(NOW)
    dispatch.hear(ClaimAnswered(0, Claimed(1, 1, (1, 2))), NOW)
    dispatch.hear(ClaimAnswered(1, None), NOW)
    assert dispatch.next(NOW) == [Mark(0, 1, (1,))]


def test_dead_from_the_start_ends_at_once_and_gives_everything_back() -> None:
    dispatch = machine()
    sending(dispatch)
    assert answer(dispatch, bad(Trouble.CONNECTION)) == [Release(1, (2, 3, 4, 5, 6)), Finish(1)]
    assert (dispatch.finished, dispatch.ending) == (True, Ending.OUT_OF_REACH)


@pytest.mark.parametrize(
    ("given", "ending"),
    [
        (bad(Trouble.CONTENT), Ending.PAUSED),
        (Answer((Outcome.UNKNOWN,), "lost"), Ending.DOUBT),
    ],
)
def test_three_alike_in_a_row_end_it_and_two_do_not(given: Answer, ending: Ending) -> None:
    dispatch = machine()
    sending(dispatch, people=tuple(range(1, 9)))
    for one in (good(), given, given, good(), given, given):
        (mark,) = answer(dispatch, one)
        confirm(dispatch, mark)
    assert dispatch.ending is None
    assert answer(dispatch, given) == [Release(1, (8,)), Finish(1)]
    assert dispatch.ending is ending


def test_an_account_that_is_refused_pauses_at_once() -> None:
    dispatch = machine()
    sending(dispatch)
    assert answer(dispatch, bad(Trouble.ACCOUNT))[0] == Release(1, (2, 3, 4, 5, 6))
    assert (dispatch.ending, dispatch.reason) == (Ending.ACCOUNT, "554 said")


def test_draining_finishes_what_is_in_flight_and_releases_the_rest() -> None:
    dispatch = machine()
    sending(dispatch)
    dispatch.hear(Drain("told"), NOW)
    assert dispatch.next(NOW) == []
    assert (dispatch.in_flight, dispatch.finished) == (1, False)
    assert answer(dispatch, good()) == [Release(1, (2, 3, 4, 5, 6)), Finish(1)]
    assert (dispatch.finished, dispatch.ending) == (True, Ending.DRAINED)


def test_what_has_no_answer_when_waiting_ends_is_unknown_and_a_late_answer_changes_nothing() -> None:
    dispatch = machine()
    sending(dispatch)
    dispatch.hear(Drain("told"), NOW)
    dispatch.abandon("no answer in time")
    assert dispatch.overdue
    settle, *rest = dispatch.next(NOW)
    assert isinstance(settle, Settle)
    assert settle.answer.outcomes == (Outcome.UNKNOWN,)
    assert rest == [Release(1, (2, 3, 4, 5, 6)), Finish(1)]
    dispatch.hear(Answered(0, good()), NOW)
    assert dispatch.next(NOW) == []


def test_what_was_not_handed_over_says_nothing_of_the_provider_and_gives_the_rate_back() -> None:
    dispatch = machine(rate=2)
    sending(dispatch)
    dispatch.hear(NotHandedOver(0), NOW)
    assert dispatch.next(NOW) == [TakeBack(0, 1, (1,)), Mark(0, 1, (2,))]
    confirm(dispatch, Mark(0, 1, (2,)))
    # Nothing has ever come through: a connection that fails now is dead from the start.
    answer(dispatch, bad(Trouble.CONNECTION))
    assert (dispatch.finished, dispatch.ending) == (True, Ending.OUT_OF_REACH)


def test_what_was_not_handed_over_neither_closes_the_breaker_nor_opens_it_and_another_is_the_probe() -> None:
    dispatch = machine()
    sending(dispatch)
    (mark,) = answer(dispatch, good())
    confirm(dispatch, mark)
    assert answer(dispatch, bad(Trouble.CONNECTION)) == []  # open
    opens_at = NOW + timedelta(seconds=5)
    (mark,) = dispatch.next(opens_at)
    confirm(dispatch, mark)
    dispatch.hear(NotHandedOver(0), opens_at)
    assert dispatch.next(opens_at) == [TakeBack(0, 1, (3,)), Mark(0, 1, (4,))]
    confirm(dispatch, Mark(0, 1, (4,)))
    assert answer(dispatch, bad(Trouble.CONNECTION), opens_at) == []
    assert dispatch.wait_until(opens_at) == opens_at + timedelta(seconds=10)  # the second failure in a row


def test_what_was_not_handed_over_gives_a_recipient_domain_its_turn_back_and_no_wish_to_wait_is_forgotten() -> None:
    dispatch = Dispatch(Pace(unit=1, claim=10, rate=2, lanes=2, domains={"slow.example": 0.1}), NOW)
    dispatch.next(NOW)
    dispatch.hear(ClaimAnswered(0, Claimed(1, 1, (1, 2), ("slow.example",) * 2)), NOW)
    dispatch.hear(ClaimAnswered(1, Claimed(2, 1, (3,), ("a.example",))), NOW)
    assert dispatch.next(NOW) == [Mark(0, 1, (1,))]
    confirm(dispatch, Mark(0, 1, (1,)))
    assert dispatch.next(NOW + timedelta(seconds=0.5)) == [Mark(1, 2, (3,))]
    dispatch.hear(Marked(1, (3,)), NOW)
    dispatch.sends(NOW)
    dispatch.hear(Answered(1, bad(Trouble.THROTTLED, retry_after=20)), NOW)
    dispatch.hear(NotHandedOver(0), NOW)
    assert not [step for step in dispatch.next(NOW + timedelta(seconds=1)) if isinstance(step, Mark)]
    assert Mark(0, 1, (2,)) in dispatch.next(NOW + timedelta(seconds=20))


@pytest.mark.parametrize("told_first", [True, False])
def test_what_was_not_handed_over_is_never_unknown(*, told_first: bool) -> None:
    dispatch = machine()
    sending(dispatch)
    dispatch.hear(Drain("told"), NOW)
    if told_first:
        dispatch.hear(NotHandedOver(0), NOW)
    dispatch.abandon("no answer in time")
    if not told_first:
        dispatch.hear(NotHandedOver(0), NOW)
    assert dispatch.overdue
    assert dispatch.next(NOW) == [TakeBack(0, 1, (1,)), Release(1, (2, 3, 4, 5, 6)), Finish(1)]
    assert (dispatch.finished, dispatch.ending) == (True, Ending.DRAINED)


def test_what_is_lost_with_its_carrier_is_unknown_and_no_fault_of_the_provider_however_much_it_is() -> None:
    dispatch = machine()
    sending(dispatch)
    for _ in range(5):
        dispatch.hear(Lost(0, "the carrier died"), NOW)
        settle, mark = dispatch.next(NOW)  # the next one follows at the same stroke
        assert isinstance(settle, Settle)
        assert settle.answer == Answer((Outcome.UNKNOWN,), "the carrier died")
        confirm(dispatch, mark)
    assert dispatch.ending is None


def test_an_answer_that_comes_after_the_loss_changes_nothing() -> None:
    dispatch = machine()
    sending(dispatch)
    dispatch.hear(Lost(0, "the carrier died"), NOW)
    dispatch.hear(Answered(0, good()), NOW)
    settle = dispatch.next(NOW)[0]
    assert isinstance(settle, Settle)
    assert settle.answer.outcomes == (Outcome.UNKNOWN,)


def test_what_is_marked_when_waiting_ends_is_not_handed_over_any_more() -> None:
    dispatch = machine()
    dispatch.next(NOW)
    dispatch.hear(ClaimAnswered(0, Claimed(1, 1, (1, 2))), NOW)
    dispatch.next(NOW)
    dispatch.hear(Marked(0, (1,)), NOW)
    dispatch.hear(Drain("told"), NOW)
    dispatch.abandon("no answer in time")
    assert dispatch.sends(NOW) == []
    assert dispatch.next(NOW) == [TakeBack(0, 1, (1,)), Release(1, (2,)), Finish(1)]


def test_one_is_settled_and_the_next_marked_at_one_stroke() -> None:
    dispatch = machine()
    sending(dispatch)
    dispatch.hear(Answered(0, good()), NOW)
    assert dispatch.next(NOW) == [Settle(0, 1, (1,), good()), Mark(0, 1, (2,))]
    assert dispatch.sends(NOW) == []


def test_who_most_likely_follows_is_foretold_unless_a_pace_comes_in_between() -> None:
    assert sending(machine()).ahead == 2
    assert sending(machine(), people=(1,)).ahead is None
    assert sending(machine(rate=2)).ahead == 2
    assert sending(machine(rate=0.5)).ahead is None
    assert sending(machine(unit=2)).ahead is None
    paced = Dispatch(Pace(unit=1, claim=10, rate=0, lanes=1, domains={"slow.example": 0.1}), NOW)
    assert sending(paced).ahead is None
    told = machine()
    told.next(NOW)
    told.hear(ClaimAnswered(0, Claimed(1, 1, (1, 2))), NOW)
    told.next(NOW)
    told.hear(Drain("told"), NOW)
    told.hear(Marked(0, (1,)), NOW)
    assert told.sends(NOW) == [Send(0, 1, 1, (1,))]


def test_a_refused_mark_stops_and_gives_back() -> None:
    dispatch = machine()
    dispatch.next(NOW)
    dispatch.hear(ClaimAnswered(0, Claimed(1, 1, (1, 2))), NOW)
    dispatch.next(NOW)
    dispatch.hear(MarkRefused(0, "the issue is paused"), NOW)
    assert dispatch.next(NOW) == [Release(1, (1, 2)), Finish(1)]
    assert (dispatch.ending, dispatch.reason) == (Ending.STOPPED, "the issue is paused")


def test_an_outdated_batch_goes_back_and_claiming_goes_on() -> None:
    dispatch = machine()
    dispatch.next(NOW)
    dispatch.hear(ClaimAnswered(0, Claimed(1, 1, (1, 2))), NOW)
    dispatch.next(NOW)
    dispatch.hear(MarkRefused(0, "an article was withdrawn", again=True), NOW)
    assert dispatch.next(NOW) == [Release(1, (1, 2)), Finish(1), Claim(0, 10)]
    dispatch.hear(ClaimAnswered(0, Claimed(2, 1, (1, 2))), NOW)
    assert dispatch.next(NOW) == [Mark(0, 2, (1,))]
    assert dispatch.ending is None


def test_what_an_outdated_batch_gives_back_is_claimed_although_nothing_was_planned_any_more() -> None:
    dispatch = machine(lanes=2)
    dispatch.next(NOW)
    dispatch.hear(ClaimAnswered(0, None), NOW)
    dispatch.hear(ClaimAnswered(1, Claimed(1, 1, (1, 2))), NOW)
    dispatch.next(NOW)
    dispatch.hear(MarkRefused(1, "an article was withdrawn", again=True), NOW)
    assert Release(1, (1, 2)) in dispatch.next(NOW)
    assert dispatch.ending is None


def test_an_outdated_batch_of_a_drained_dispatch_only_goes_back() -> None:
    dispatch = machine()
    dispatch.next(NOW)
    dispatch.hear(ClaimAnswered(0, Claimed(1, 1, (1, 2))), NOW)
    dispatch.next(NOW)
    dispatch.hear(Drain("told"), NOW)
    dispatch.hear(MarkRefused(0, "an article was withdrawn", again=True), NOW)
    assert dispatch.next(NOW) == [Release(1, (1, 2)), Finish(1)]
    assert (dispatch.finished, dispatch.ending) == (True, Ending.DRAINED)


@pytest.mark.parametrize("seed", range(60))
def test_whatever_happens_everybody_is_settled_once_or_still_planned(seed: int) -> None:  # noqa: C901  # one world, one loop
    draw = random.Random(seed)
    shared = draw.random() < 0.5
    dispatch = Dispatch(Pace(unit=draw.randint(1, 4), claim=7, rate=0, lanes=draw.randint(1, 4), shared=shared), NOW)
    now, left, done, marked, flying = NOW, list(range(1, 60)), list[int](), set[int](), dict[int, Send]()
    for turn in range(2000):
        now += timedelta(seconds=draw.random() * 10)
        if turn == 150 and draw.random() < 0.5:
            dispatch.hear(Drain("told"), now)
        for send in dispatch.sends(now):
            assert set(send.recipients) <= marked
            assert send.lane not in flying
            flying[send.lane] = send
        spare = 0
        for step in dispatch.next(now):
            match step:
                case Claim(lane=lane) if spare:
                    spare -= 1
                    dispatch.hear(Spared(lane), now)
                case Claim(lane=lane, size=size):
                    taken, left = left[:size], left[size:]
                    dispatch.hear(ClaimAnswered(lane, Claimed(turn * 10 + lane, 1, tuple(taken)) if taken else None), now)
                    spare = draw.randint(0, 3) if shared and len(taken) > 1 else 0
                case Mark(lane=lane) if draw.random() < 0.05:
                    dispatch.hear(MarkRefused(lane, "an article was withdrawn", again=True), now)
                case Mark(lane=lane, recipients=people):
                    staying = tuple(one for one in people if draw.random() > 0.1)
                    done += [one for one in people if one not in staying]
                    marked |= set(staying)
                    dispatch.hear(Marked(lane, staying), now)
                case Settle(recipients=people):
                    done += people
                case Release(recipients=people) | TakeBack(recipients=people):
                    left += people
        if flying and draw.random() < 0.7:
            lane = draw.choice(sorted(flying))
            many = len(flying.pop(lane).recipients)
            if draw.random() < 0.1:
                dispatch.hear(NotHandedOver(lane), now)
                continue
            trouble = draw.choice([None, None, None, *Trouble])
            outcome = Outcome.ACCEPTED if trouble is None else Outcome.DEFERRED
            dispatch.hear(Answered(lane, Answer((outcome,) * many, trouble=trouble)), now)
        if dispatch.finished:
            break
    assert dispatch.finished, f"seed {seed}"
    assert sorted(done + left) == list(range(1, 60))
    assert not left or dispatch.ending is not Ending.EMPTY


def test_accepted_absorbs_and_the_ways_back_to_planned_are_three() -> None:
    back = {state for state in DeliveryState if may(state, DeliveryState.PLANNED)}
    assert back == {DeliveryState.CLAIMED, DeliveryState.DEFERRED, DeliveryState.UNKNOWN}
    assert STEPS[DeliveryState.ACCEPTED] == frozenset()
    assert all(STEPS[state] for state in UNSENT)
    assert set(STEPS) == set(DeliveryState)

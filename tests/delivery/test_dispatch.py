"""The step machine, told what happened: no thread, no socket, no clock."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

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
    Mark,
    Marked,
    MarkRefused,
    NotHandedOver,
    Release,
    Send,
    Settle,
    Step,
    TakeBack,
)
from digest.delivery.transitions import STEPS, UNSENT, DeliveryState, may

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


def good(many: int = 1) -> Answer:
    return Answer((Outcome.ACCEPTED,) * many)


def bad(trouble: Trouble, **more: float) -> Answer:
    return Answer((Outcome.DEFERRED,), "554 said", trouble=trouble, retry_after=more.get("retry_after"))


def machine(unit: int = 1, lanes: int = 1, rate: float = 0) -> Dispatch:
    return Dispatch(Pace(unit=unit, claim=10, rate=rate, lanes=lanes), NOW)


def sending(dispatch: Dispatch, batch: int = 1, people: tuple[int, ...] = (1, 2, 3, 4, 5, 6)) -> Send:
    """Bring the one lane to its first send."""
    assert dispatch.next(NOW) == [Claim(0, 10)]
    dispatch.hear(ClaimAnswered(0, Claimed(batch, 1, people)), NOW)
    (mark,) = dispatch.next(NOW)
    assert isinstance(mark, Mark)
    return confirm(dispatch, mark)


def confirm(dispatch: Dispatch, mark: Step) -> Send:
    assert isinstance(mark, Mark)
    dispatch.hear(Marked(0, mark.recipients), NOW)
    (send,) = dispatch.sends(NOW)
    return send


def answer(dispatch: Dispatch, given: Answer, now: datetime = NOW) -> list[Step]:
    """Answer the one send, and return what comes after settling it, in the same transaction."""
    dispatch.hear(Answered(0, given), now)
    settle, *rest = dispatch.next(now)
    assert isinstance(settle, Settle)
    assert settle.answer is given
    return rest


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


def test_a_connection_that_fails_opens_the_breaker_and_one_probe_after_another_tries_it() -> None:
    dispatch, now = machine(), NOW
    sending(dispatch, people=tuple(range(1, 9)))
    (mark,) = answer(dispatch, good())
    confirm(dispatch, mark)
    for seconds in (5, 10):
        assert answer(dispatch, bad(Trouble.CONNECTION), now) == []
        assert dispatch.wait_until(now) == now + timedelta(seconds=seconds)
        now += timedelta(seconds=seconds)
        (mark,) = dispatch.next(now)
        confirm(dispatch, mark)
    assert answer(dispatch, bad(Trouble.CONNECTION), now) == [Release(1, (5, 6, 7, 8)), Finish(1)]
    assert dispatch.ending is Ending.OUT_OF_REACH


def test_a_probe_that_leaves_all_in_doubt_is_followed_by_another() -> None:
    dispatch = machine()
    sending(dispatch)
    (mark,) = answer(dispatch, good())
    confirm(dispatch, mark)
    assert answer(dispatch, bad(Trouble.CONNECTION)) == []  # open
    opens_at = dispatch.wait_until(NOW)
    assert opens_at is not None
    for doubts in (1, 2, 3):
        (mark,) = (step for step in dispatch.next(opens_at) if isinstance(step, Mark))
        dispatch.hear(Marked(0, mark.recipients), opens_at)
        (send,) = dispatch.sends(opens_at)
        dispatch.hear(Answered(0, Answer((Outcome.UNKNOWN,), "reset")), opens_at)
        assert send.recipients == mark.recipients
        assert dispatch.ending is (Ending.DOUBT if doubts == 3 else None)


def test_while_the_breaker_is_open_no_lane_claims_or_marks_and_then_only_the_probe() -> None:
    dispatch = machine(lanes=3)
    dispatch.next(NOW)
    for lane in (0, 1):
        dispatch.hear(ClaimAnswered(lane, Claimed(lane + 1, 1, tuple(range(lane * 10, lane * 10 + 5)))), NOW)
    dispatch.hear(ClaimAnswered(2, None, NOW + timedelta(seconds=1)), NOW)
    dispatch.next(NOW)
    for lane in (0, 1):
        dispatch.hear(Marked(lane, (lane * 10,)), NOW)
    dispatch.sends(NOW)
    dispatch.hear(Answered(1, good()), NOW)
    dispatch.hear(Answered(0, bad(Trouble.CONNECTION)), NOW)
    assert [type(step) for step in dispatch.next(NOW)] == [Settle, Settle]
    assert dispatch.next(NOW + timedelta(seconds=4)) == []
    steps = dispatch.next(NOW + timedelta(seconds=5))
    assert [type(step) for step in steps] == [Mark]  # the probe; the others wait for what becomes of it
    dispatch.hear(Marked(0, (1,)), NOW)
    dispatch.sends(NOW + timedelta(seconds=5))
    dispatch.hear(Answered(0, good()), NOW + timedelta(seconds=6))
    steps = dispatch.next(NOW + timedelta(seconds=6))
    assert [type(step).__name__ for step in steps] == ["Settle", "Mark", "Mark", "Claim"]


def test_a_recipient_domain_with_a_rate_does_not_hold_up_the_others() -> None:
    dispatch = Dispatch(Pace(unit=1, claim=10, rate=0, lanes=1, domains={"slow.example": 0.1}), NOW)
    domains = ("slow.example", "slow.example", "a.example", "slow.example")
    dispatch.next(NOW)
    dispatch.hear(ClaimAnswered(0, Claimed(1, 1, (1, 2, 3, 4), domains)), NOW)
    for one in (1, 3):
        (mark,) = dispatch.next(NOW) if one == 1 else answer(dispatch, good())
        assert mark == Mark(0, 1, (one,))
        confirm(dispatch, mark)
    turn = NOW + timedelta(seconds=10)
    assert answer(dispatch, good()) == [Release(1, (2, 4), turn), Finish(1), Claim(0, 10)]
    dispatch.hear(ClaimAnswered(0, None, turn), NOW)
    assert (dispatch.ending, dispatch.wait_until(NOW)) == (None, turn)
    assert dispatch.next(turn) == [Claim(0, 10)]


def test_a_domain_that_is_crowded_waits_twice_as_long_each_time_and_the_others_go_on() -> None:
    dispatch = machine()
    crowded = Answer((Outcome.DEFERRED,), "451 4.7.1 later", crowded=frozenset({0}))
    people = tuple(range(1, 7))
    domains = ("a.example", "b.example", "a.example", "b.example", "a.example", "a.example")
    dispatch.next(NOW)
    dispatch.hear(ClaimAnswered(0, Claimed(1, 1, people, domains)), NOW)
    (mark,) = dispatch.next(NOW)
    confirm(dispatch, mark)
    (mark,) = answer(dispatch, crowded)
    assert mark == Mark(0, 1, (2,))
    confirm(dispatch, mark)
    (mark,) = answer(dispatch, good())
    assert mark == Mark(0, 1, (4,))
    confirm(dispatch, mark)
    assert answer(dispatch, good()) == [Release(1, (3, 5, 6), NOW + timedelta(seconds=5)), Finish(1), Claim(0, 10)]


def test_what_comes_due_soon_is_waited_for_and_what_comes_later_is_left_to_the_next_run() -> None:
    dispatch = machine(lanes=2)
    dispatch.next(NOW)
    soon, late = NOW + timedelta(seconds=20), NOW + timedelta(seconds=31)
    for lane in (0, 1):
        dispatch.hear(ClaimAnswered(lane, None, soon), NOW)
    assert (dispatch.ending, dispatch.wait_until(NOW), dispatch.next(NOW)) == (None, soon, [])
    assert dispatch.next(soon) == [Claim(0, 10), Claim(1, 10)]
    for lane in (0, 1):
        dispatch.hear(ClaimAnswered(lane, None, late), soon)
    assert (dispatch.finished, dispatch.ending) == (True, Ending.EMPTY)


def test_told_to_wait_everyone_waits_and_a_long_wait_ends_the_run() -> None:
    dispatch = machine()
    sending(dispatch)
    assert answer(dispatch, bad(Trouble.THROTTLED, retry_after=20)) == []
    assert dispatch.wait_until(NOW) == NOW + timedelta(seconds=20)
    (mark,) = dispatch.next(NOW + timedelta(seconds=20))
    confirm(dispatch, mark)
    answer(dispatch, bad(Trouble.THROTTLED, retry_after=3600))
    assert (dispatch.finished, dispatch.ending) == (True, Ending.HELD_BACK)


def test_each_slow_down_in_a_row_waits_twice_as_long_for_every_lane_and_success_forgets_it() -> None:
    dispatch, now, waits = machine(), NOW, []
    sending(dispatch, people=tuple(range(1, 9)))
    for given in (*[bad(Trouble.THROTTLED)] * 4, good(), bad(Trouble.THROTTLED)):
        steps = answer(dispatch, given, now)
        until = dispatch.wait_until(now)
        waits.append(0.0 if until is None else (until - now).total_seconds())
        now = until or now
        (mark,) = steps or dispatch.next(now)
        confirm(dispatch, mark)
    assert waits == [0, 5, 10, 20, 0, 0]
    answer(dispatch, bad(Trouble.THROTTLED, retry_after=31), now)
    assert dispatch.ending is Ending.HELD_BACK


def test_told_to_wait_every_lane_waits() -> None:
    dispatch = machine(lanes=2)
    dispatch.next(NOW)
    for lane in (0, 1):
        dispatch.hear(ClaimAnswered(lane, Claimed(lane + 1, 1, (lane * 10 + 1, lane * 10 + 2))), NOW)
    dispatch.next(NOW)
    for lane in (0, 1):
        dispatch.hear(Marked(lane, (lane * 10 + 1,)), NOW)
    dispatch.sends(NOW)
    dispatch.hear(Answered(0, bad(Trouble.THROTTLED, retry_after=20)), NOW)
    dispatch.hear(Answered(1, good()), NOW)
    assert [type(step) for step in dispatch.next(NOW)] == [Settle, Settle]
    assert dispatch.next(NOW + timedelta(seconds=19)) == []
    assert len(dispatch.next(NOW + timedelta(seconds=20))) == 2


def test_a_rate_is_kept() -> None:
    dispatch = machine(rate=2)
    sending(dispatch)
    assert answer(dispatch, good()) == []
    assert dispatch.wait_until(NOW) == NOW + timedelta(seconds=0.5)
    assert len(dispatch.next(NOW + timedelta(seconds=0.5))) == 1


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
    dispatch = Dispatch(Pace(unit=draw.randint(1, 4), claim=7, rate=0, lanes=draw.randint(1, 4)), NOW)
    now, left, done, marked, flying = NOW, list(range(1, 60)), list[int](), set[int](), dict[int, Send]()
    for turn in range(2000):
        now += timedelta(seconds=draw.random() * 10)
        if turn == 150 and draw.random() < 0.5:
            dispatch.hear(Drain("told"), now)
        for send in dispatch.sends(now):
            assert set(send.recipients) <= marked
            assert send.lane not in flying
            flying[send.lane] = send
        for step in dispatch.next(now):
            match step:
                case Claim(lane=lane, size=size):
                    taken, left = left[:size], left[size:]
                    dispatch.hear(ClaimAnswered(lane, Claimed(turn * 10 + lane, 1, tuple(taken)) if taken else None), now)
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

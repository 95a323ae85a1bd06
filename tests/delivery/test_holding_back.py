"""The step machine holds back: a provider that fails, one that says wait, a rate, a domain that is crowded."""

from __future__ import annotations

from datetime import timedelta

from digest.delivery.dispatch import Dispatch
from digest.delivery.ending import Ending
from digest.delivery.pacing import Pace
from digest.delivery.providers.answer import Answer, Outcome, Trouble
from digest.delivery.steps import (
    Answered,
    Claim,
    ClaimAnswered,
    Claimed,
    Finish,
    Mark,
    Marked,
    Release,
    Settle,
)
from tests.delivery.dispatching import NOW, answer, bad, confirm, good, machine, sending


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
        dispatch.hear(ClaimAnswered(lane, Claimed(lane + 1, 1, (lane * 10, lane * 10 + 1))), NOW)
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
    assert [type(step).__name__ for step in steps] == ["Settle", "Finish", "Claim", "Mark", "Claim"]


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

"""Where batches are shared, all lanes of the step machine take from one, each its next ones in turn."""

from __future__ import annotations

from digest.delivery.dispatch import Dispatch
from digest.delivery.pacing import Pace
from digest.delivery.providers.answer import Answer, Outcome
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
    Release,
    Settle,
    Spared,
)
from tests.delivery.dispatching import NOW, good


def three_lanes_on_one_batch(people: int) -> Dispatch:
    """The first lane has claimed for all of them."""
    dispatch = Dispatch(Pace(unit=1, claim=10, rate=0, lanes=3, shared=True), NOW)
    assert [type(step) for step in dispatch.next(NOW)] == [Claim, Claim, Claim]
    dispatch.hear(ClaimAnswered(0, Claimed(1, 1, tuple(range(people)))), NOW)
    for lane in (1, 2):
        dispatch.hear(Spared(lane), NOW)
    return dispatch


def test_lanes_take_from_one_batch_in_turn_and_only_the_last_finishes_it() -> None:
    dispatch = three_lanes_on_one_batch(7)
    assert dispatch.next(NOW) == [Mark(0, 1, (0,)), Mark(1, 1, (2,)), Mark(2, 1, (4,))]
    for lane in range(3):
        dispatch.hear(Marked(lane, (2 * lane,)), NOW)
    assert [(send.recipients, send.ahead) for send in dispatch.sends(NOW)] == [((0,), 1), ((2,), 3), ((4,), 5)]
    dispatch.hear(Answered(1, good()), NOW)
    assert dispatch.next(NOW) == [Settle(1, 1, (2,), good()), Mark(1, 1, (3,))]  # and the last of all is its next
    dispatch.hear(Marked(1, (3,)), NOW)
    assert [send.ahead for send in dispatch.sends(NOW)] == [6]
    dispatch.hear(Answered(0, good()), NOW)
    dispatch.hear(Answered(2, good()), NOW)
    assert [step for step in dispatch.next(NOW) if isinstance(step, Mark)] == [Mark(0, 1, (1,)), Mark(2, 1, (5,))]
    for lane, one in ((0, 1), (2, 5)):
        dispatch.hear(Marked(lane, (one,)), NOW)
    dispatch.sends(NOW)
    for lane in (0, 2):
        dispatch.hear(Answered(lane, good()), NOW)
    assert [type(step) for step in dispatch.next(NOW)] == [Settle, Claim, Settle, Claim]  # lane 1 is still at it
    dispatch.hear(ClaimAnswered(0, None), NOW)
    dispatch.hear(ClaimAnswered(2, None), NOW)
    for one in (3, 6):
        dispatch.hear(Answered(1, good()), NOW)
        last = dispatch.next(NOW)
        if one == 3:
            dispatch.hear(Marked(1, (6,)), NOW)
            dispatch.sends(NOW)
    assert last[:2] == [Settle(1, 1, (6,), good()), Finish(1)]


def test_of_an_outdated_batch_every_lane_gives_back_what_it_took_and_the_first_what_is_left() -> None:
    dispatch = three_lanes_on_one_batch(8)
    marks = dispatch.next(NOW)
    assert len(marks) == 3
    for lane in range(3):
        dispatch.hear(MarkRefused(lane, "an article was withdrawn", again=True), NOW)
    assert dispatch.next(NOW) == [
        Release(1, (0, 1, 6, 7)),
        Claim(0, 10),
        Release(1, (2, 3)),
        Claim(1, 10),
        Release(1, (4, 5)),
        Finish(1),
        Claim(2, 10),
    ]


def test_a_lane_that_was_refused_alone_outdates_the_batch_for_all() -> None:
    dispatch = three_lanes_on_one_batch(8)
    dispatch.next(NOW)
    dispatch.hear(MarkRefused(1, "an article was withdrawn", again=True), NOW)
    for lane in (0, 2):
        dispatch.hear(Marked(lane, (2 * lane,)), NOW)
    dispatch.sends(NOW)
    assert dispatch.next(NOW)[0] == Release(1, (2, 3, 6, 7))
    dispatch.hear(Answered(0, good()), NOW)
    assert dispatch.next(NOW)[:2] == [Settle(0, 1, (0,), good()), Release(1, (1,))]
    dispatch.hear(Answered(2, good()), NOW)
    assert dispatch.next(NOW)[:3] == [Settle(2, 1, (4,), good()), Release(1, (5,)), Finish(1)]


def test_what_no_lane_has_taken_goes_back_with_the_first_that_hears_of_the_end() -> None:
    dispatch = three_lanes_on_one_batch(8)
    dispatch.next(NOW)
    for lane in range(3):
        dispatch.hear(Marked(lane, (2 * lane,)), NOW)
    dispatch.sends(NOW)
    dispatch.hear(Drain("told"), NOW)
    assert dispatch.next(NOW) == []
    released = list[int]()
    for lane in (2, 0, 1):
        dispatch.hear(Answered(lane, good()), NOW)
        released += [one for step in dispatch.next(NOW) if isinstance(step, Release) for one in step.recipients]
    assert released == [5, 6, 7, 1, 3]
    assert dispatch.finished


def test_where_recipient_domains_are_looked_at_each_lane_takes_its_part_and_chooses() -> None:
    dispatch = Dispatch(Pace(unit=1, claim=10, rate=0, lanes=2, domains={"slow.example": 0.1}, shared=True), NOW)
    dispatch.next(NOW)
    domains = ("slow.example",) * 3 + ("a.example",) * 5
    dispatch.hear(ClaimAnswered(0, Claimed(1, 1, tuple(range(1, 9)), domains)), NOW)
    dispatch.hear(Spared(1), NOW)
    assert dispatch.next(NOW) == [Mark(0, 1, (1,)), Mark(1, 1, (5,))]
    dispatch.hear(Marked(0, (1,)), NOW)
    dispatch.sends(NOW)
    dispatch.hear(Answered(0, good()), NOW)
    assert dispatch.next(NOW)[1] == Mark(0, 1, (4,))


def test_after_one_host_has_asked_for_patience_all_lanes_still_work() -> None:
    dispatch = Dispatch(Pace(unit=1, claim=40, rate=0, lanes=4, shared=True), NOW)
    dispatch.next(NOW)
    dispatch.hear(ClaimAnswered(0, Claimed(1, 1, tuple(range(40)), ("full.example",) * 2 + ("a.example",) * 38)), NOW)
    for lane in (1, 2, 3):
        dispatch.hear(Spared(lane), NOW)
    marked = list[int]()
    for turn in range(8):
        marks = [step for step in dispatch.next(NOW) if isinstance(step, Mark)]
        assert len(marks) == 4, f"turn {turn}"
        marked += [one for mark in marks for one in mark.recipients]
        for mark in marks:
            dispatch.hear(Marked(mark.lane, mark.recipients), NOW)
        dispatch.sends(NOW)
        for mark in marks:
            crowded = frozenset({0} if mark.recipients == (0,) else ())
            outcome = Outcome.DEFERRED if crowded else Outcome.ACCEPTED
            dispatch.hear(Answered(mark.lane, Answer((outcome,), "451 later", crowded=crowded)), NOW)
    assert len(set(marked)) == 32
    assert 1 not in marked  # it waits for its host

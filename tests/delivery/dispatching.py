"""A step machine with one lane, told what tests tell it."""

from __future__ import annotations

from datetime import UTC, datetime

from digest.delivery.dispatch import Dispatch
from digest.delivery.pacing import Pace
from digest.delivery.providers.answer import Answer, Outcome, Trouble
from digest.delivery.steps import (
    Answered,
    Claim,
    ClaimAnswered,
    Claimed,
    Mark,
    Marked,
    Send,
    Settle,
    Step,
)

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

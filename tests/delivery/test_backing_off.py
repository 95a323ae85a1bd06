"""When what was surely not taken is tried again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from digest.delivery.backing_off import back_off
from digest.delivery.providers.answer import Answer, Outcome, Trouble

FIRST, DAY = timedelta(minutes=15), timedelta(days=1)


def later(trouble: Trouble | None = None, retry_after: float | None = None) -> Answer:
    return Answer((Outcome.DEFERRED,), "later", trouble=trouble, retry_after=retry_after)


@pytest.mark.parametrize(
    ("attempt", "answer", "expected"),
    [
        (1, later(), FIRST),
        (2, later(), FIRST * 3),
        (4, later(), FIRST * 27),
        (6, later(), DAY),
        (5000, later(), DAY),
        (3, later(retry_after=20), timedelta(seconds=20)),
        (1, later(retry_after=1e9), DAY),
        (3, later(Trouble.THROTTLED), FIRST * 9),
        (3, later(Trouble.CONNECTION), timedelta(0)),
        (3, later(Trouble.ACCOUNT, 20), timedelta(0)),
        (3, later(Trouble.CONTENT), timedelta(0)),
    ],
)
def test_the_wait_grows_threefold_unless_the_provider_says_how_long_or_it_was_nobodys_mailbox(
    attempt: int, answer: Answer, expected: timedelta
) -> None:
    assert back_off(attempt, answer, FIRST) == expected

"""The teller of one send: everything of an issue in one count, and not a word too often."""

from __future__ import annotations

import pytest

from digest.delivery.progress import Progress, Teller
from digest.delivery.providers.answer import Outcome


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr("digest.delivery.progress.time.monotonic", lambda: now[0])
    return now


def test_what_earlier_dispatches_came_to_is_counted_on(clock: list[float]) -> None:
    told: list[Progress] = []
    teller = Teller("weekly/1", 10, 2, told.append)
    teller.keep({Outcome.ACCEPTED: 3, Outcome.DEFERRED: 1})
    clock[0] += 1
    teller.hear({Outcome.ACCEPTED: 2})
    teller.keep({Outcome.ACCEPTED: 6, Outcome.REJECTED: 1})
    assert [one.done for one in told] == [0, 3, 5, 10]
    assert teller.tried == 11


def test_a_hundred_turns_in_a_moment_are_one_word(clock: list[float]) -> None:
    told: list[Progress] = []
    teller = Teller("weekly/1", 100, 1, told.append)
    for count in range(100):
        teller.hear({Outcome.ACCEPTED: count})
    clock[0] += 0.2
    teller.hear({Outcome.ACCEPTED: 100})
    assert [one.done for one in told] == [0, 100]

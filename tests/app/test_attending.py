"""The threads that wait for work."""

from __future__ import annotations

from threading import Event
from typing import Any

import pytest

from digest.app.attending import Attendant
from digest.errors import Unreachable
from tests.databases import eventually


def attendant(work: Any, stop: Event, **pace: float) -> Attendant:
    return Attendant(work, lambda: None, stop, name="letters", **{"every": 600.0, **pace})  # type: ignore[arg-type, return-value] # no application is needed


def test_it_works_at_once_when_it_is_woken_and_ends_when_told() -> None:
    stop, done = Event(), list[int]()
    thread = attendant(lambda _: done.append(1), stop)
    thread.start()
    eventually(lambda: len(done) == 1)
    thread.wake()
    eventually(lambda: len(done) == 2)
    stop.set()
    thread.join(30)
    assert not thread._thread.is_alive()


def test_what_goes_wrong_is_told_without_what_it_says_unless_it_is_an_error_of_ours_and_the_next_has_its_chance(
    caplog: pytest.LogCaptureFixture,
) -> None:
    stop, wrong, done = Event(), [KeyError("eve@x.example"), Unreachable("the database is away")], list[int]()

    def work(_: object) -> None:
        if wrong:
            raise wrong.pop(0)
        done.append(1)

    thread = attendant(work, stop, every=0.01)
    thread.start()
    eventually(lambda: bool(done))
    stop.set()
    thread.join(30)
    assert caplog.messages == ["letters wait: KeyError", "letters wait: the database is away"]

"""A carrier does what it is told in that order, and tells what was answered before it writes the next request."""

from __future__ import annotations

from typing import Any

import pytest

from digest.delivery.engines import carrier_child
from digest.delivery.engines import carrier_line as said
from digest.delivery.engines.streams import Streams
from digest.delivery.providers.answer import Answer, Outcome
from digest.delivery.steps import Answered, Heard

Told = list[tuple[Any, ...]]


class Quick(Streams):
    """Answers each job as soon as it is listened to."""

    def __init__(self, happened: Told) -> None:
        self._happened = happened
        self._begun: list[int] = []

    def send(self, lane: int, job: object) -> None:
        self._happened.append(("sent", lane))
        self._begun.append(lane)

    def hear(self, seconds: float) -> list[Heard]:
        assert seconds == 0
        begun, self._begun = self._begun, []
        return [Answered(lane, Answer((Outcome.ACCEPTED,))) for lane in begun]

    def recall(self) -> None:
        self._happened.append(("recalled",))


class Talk:
    """The end of a line at which everything is noted."""

    def __init__(self, happened: Told) -> None:
        self._happened = happened

    def say(self, what: int, *rest: Any, within: float) -> None:
        self._happened.append((what, *rest[:1]))


@pytest.fixture
def happened(monkeypatch: pytest.MonkeyPatch) -> Told:
    monkeypatch.setattr(carrier_child._Work, "_job", lambda *_: None)
    return []


def test_one_order_after_the_other_and_answers_between_two_jobs(happened: Told) -> None:
    talk: Any = Talk(happened)
    unused: Any = None  # no job is made
    work = carrier_child._Work(talk, unused, unused)
    orders: Told = [(said.JOB, 0), (said.JOB, 1), (said.RECALL,), (said.JOB, 2), (said.END,)]
    work._obey(Quick(happened), orders)
    assert happened == [
        ("sent", 0),
        (said.ANSWERED, 0),
        ("sent", 1),
        (said.ANSWERED, 1),
        ("recalled",),
        (said.RECALLED,),
        ("sent", 2),
        (said.ANSWERED, 2),
    ]
    assert work._over
    assert orders == []  # nothing of them is held any longer

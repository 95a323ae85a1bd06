"""Lanes: what is handed over is looked at in the lane, at the last moment, and what was recalled never leaves."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from digest.delivery.engines.lanes import Job, Lanes
from digest.delivery.providers.answer import Answer, Outcome
from digest.delivery.recipient import Recipient
from digest.delivery.steps import Answered, Heard, NotHandedOver
from digest.rendering.content import Envelope
from digest.rendering.rendition import Rendition
from digest.testing.specimens import a_rendition, an_envelope


@dataclass(slots=True)
class Slow:
    """A provider whose transports note whom they carry, and take a lane's thread only when they are let."""

    carried: list[int] = field(default_factory=list)
    let: threading.Event = field(default_factory=threading.Event)
    name: str = "slow"
    batch_limit: int = 1

    def open(self) -> Slow:
        assert self.let.wait(20)
        return self

    def send(self, rendition: Rendition, envelopes: Sequence[Envelope], date: datetime) -> Answer:
        self.carried += [envelope.subscriber_id for envelope in envelopes]
        return Answer((Outcome.ACCEPTED,) * len(envelopes))

    def describe(self, rendition: Rendition, envelopes: Sequence[Envelope], date: datetime) -> list[dict[str, Any]]:
        return []

    def close(self) -> None:
        return


def a_job(one: int, late: threading.Event | None = None) -> Job:
    person = Recipient(one, one, f"u{one}@example.com", f"u{one}@example.com", None, 0)
    in_time = (lambda: True) if late is None else (lambda: not late.is_set())
    return Job(a_rendition(), [person], lambda recipient, _: an_envelope(recipient.subscriber_id), in_time)


def heard(lanes: Lanes, many: int) -> list[Heard]:
    found: list[Heard] = []
    for _ in range(100):
        found += lanes.hear(0.2)
        if len(found) >= many:
            break
    return found


def test_what_was_given_in_time_and_is_late_when_its_lane_comes_to_it_is_not_handed_over() -> None:
    provider, late = Slow(), threading.Event()
    lanes = Lanes(provider)
    lanes.send(0, a_job(1, late))
    late.set()
    provider.let.set()
    assert heard(lanes, 1) == [NotHandedOver(0)]
    lanes.send(0, a_job(2))
    assert heard(lanes, 1) == [Answered(0, Answer((Outcome.ACCEPTED,)))]
    lanes.close()
    assert provider.carried == [2]


def test_what_no_lane_has_begun_can_be_recalled_and_what_is_given_afterwards_leaves() -> None:
    provider = Slow()
    lanes = Lanes(provider)
    lanes.send(0, a_job(1))
    lanes.recall()
    assert heard(lanes, 1) == [NotHandedOver(0)]
    lanes.send(0, a_job(2))
    provider.let.set()
    assert heard(lanes, 1) == [Answered(0, Answer((Outcome.ACCEPTED,)))]
    lanes.recall()
    assert lanes.hear(0) == []
    lanes.close()
    assert provider.carried == [2]

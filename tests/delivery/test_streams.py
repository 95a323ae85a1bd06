"""Many conversations in one thread: none waits for another, and none is waited for beyond its time."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

import pytest

from digest.delivery.engines.lanes import Job
from digest.delivery.engines.streams import Streams
from digest.delivery.providers.answer import Answer, Outcome
from digest.delivery.providers.port import Ahead, Streaming
from digest.delivery.providers.waiting import Aside, Wanted, run
from digest.delivery.providers.wire import Deadline, Wire
from digest.delivery.recipient import Recipient
from digest.delivery.steps import Answered, NotHandedOver
from digest.rendering.content import Envelope
from digest.rendering.rendition import Rendition
from digest.testing.specimens import a_rendition, an_envelope

SHORT = 0.3


@dataclass(slots=True)
class Reading:
    """A stream that answers with what its connection says."""

    wire: Wire
    closed: threading.Event = field(default_factory=threading.Event)

    async def send(
        self, rendition: Rendition, envelopes: Sequence[Envelope], date: datetime, ahead: Ahead | None = None
    ) -> Answer:
        try:
            return Answer((Outcome.ACCEPTED,), (await self.wire.hear()).decode())
        except TimeoutError as error:
            return Answer((Outcome.UNKNOWN,), str(error))

    def close(self) -> None:
        self.wire.close()
        self.closed.set()


@dataclass(slots=True)
class Doing:
    """A stream whose sends are a function."""

    work: Callable[[], Coroutine[Wanted, None, Answer]]

    def send(
        self, rendition: Rendition, envelopes: Sequence[Envelope], date: datetime, ahead: Ahead | None = None
    ) -> Coroutine[Wanted, None, Answer]:
        return self.work()

    def close(self) -> None:
        return


@dataclass(slots=True)
class Opening:
    """A provider that opens what it was given, one after the other."""

    those: list[Reading | Doing]

    def stream(self) -> Reading | Doing:
        return self.those.pop(0)


def a_job(*, in_time: bool = True) -> Job:
    person = Recipient(1, 1, "reader1@example.com", "reader1@example.com", None, 0)
    return Job(a_rendition(), [person], lambda recipient, _: an_envelope(recipient.subscriber_id), lambda: in_time)


@contextmanager
def reading(*deadlines: float) -> Iterator[tuple[Streams, list[socket.socket], list[Reading]]]:
    """Streams under way, one for each deadline, the other ends of their connections, and what they are of."""
    pairs = [socket.socketpair() for _ in deadlines]
    those = [Reading(Wire(ours, Deadline(seconds))) for (ours, _), seconds in zip(pairs, deadlines, strict=True)]
    streams = Streams(Opening([*those]))
    for lane in range(len(deadlines)):
        streams.send(lane, a_job())
    try:
        yield streams, [theirs for _, theirs in pairs], those
    finally:
        streams.close()
        for _, theirs in pairs:
            theirs.close()


def answers(streams: Streams, many: int) -> dict[int, Answer]:
    """So many answers, by lane."""
    heard: list[Answered] = []
    for _ in range(100):
        heard += [one for one in streams.hear(0.2) if isinstance(one, Answered)]
        if len(heard) >= many:
            break
    return {answered.lane: answered.answer for answered in heard}


def test_each_answers_when_its_own_service_does() -> None:
    with reading(20, 20, 20) as (streams, ends, _):
        assert streams.hear(0) == []
        ends[2].sendall(b"three")
        assert answers(streams, 1) == {2: Answer((Outcome.ACCEPTED,), "three")}
        ends[0].sendall(b"one")
        ends[1].sendall(b"two")
        assert {lane: answer.text for lane, answer in answers(streams, 2).items()} == {0: "one", 1: "two"}


def test_time_is_over_for_one_and_not_for_the_other() -> None:
    with reading(SHORT, 20) as (streams, ends, _):
        assert answers(streams, 1) == {0: Answer((Outcome.UNKNOWN,), "timed out")}
        ends[1].sendall(b"two")
        assert answers(streams, 1)[1].text == "two"


def test_what_came_in_time_is_read_although_nobody_looked_before_the_time_was_over() -> None:
    with reading(SHORT) as (streams, ends, _):
        ends[0].sendall(b"in time")
        threading.Event().wait(2 * SHORT)  # the ledger took so long
        assert answers(streams, 1)[0].text == "in time"


def test_a_stream_that_raises_leaves_its_delivery_unknown_and_the_others_alone() -> None:
    async def broken() -> Answer:
        raise RuntimeError("a defect")

    async def sound() -> Answer:
        return Answer((Outcome.ACCEPTED,))

    streams = Streams(Opening([Doing(broken), Doing(sound)]))
    for lane in (0, 1):
        streams.send(lane, a_job())
    found = answers(streams, 2)
    streams.close()
    assert found[0] == Answer((Outcome.UNKNOWN,), "the provider's adapter failed: RuntimeError")
    assert found[1].outcomes == (Outcome.ACCEPTED,)


def test_what_fails_before_a_stream_begins_ends_that_delivery_alone() -> None:
    async def sound() -> Answer:
        return Answer((Outcome.ACCEPTED,))

    def no_envelope(recipient: Recipient, rendition: object) -> Envelope:
        raise ValueError("no envelope")

    streams = Streams(Opening([Doing(sound), Doing(sound)]))
    whole = a_job()
    streams.send(0, Job(whole.rendition, whole.people, no_envelope, lambda: True))
    streams.send(1, whole)
    found = answers(streams, 2)
    streams.close()
    assert found[0] == Answer((Outcome.UNKNOWN,), "the provider's adapter failed: ValueError")
    assert found[1].outcomes == (Outcome.ACCEPTED,)


def test_what_is_late_when_its_turn_comes_is_not_begun() -> None:
    begun: list[bool] = []

    async def sound() -> Answer:
        begun.append(True)
        return Answer((Outcome.ACCEPTED,))

    streams = Streams(Opening([Doing(sound)]))
    streams.send(0, a_job(in_time=False))
    streams.recall()
    assert streams.hear(0) == [NotHandedOver(0)]
    streams.send(0, a_job())
    assert answers(streams, 1)[0].outcomes == (Outcome.ACCEPTED,)
    streams.close()
    assert begun == [True]


def test_where_no_thread_can_be_had_a_handshake_fails_as_a_connection_does(monkeypatch: pytest.MonkeyPatch) -> None:
    async def opening() -> Answer:
        try:
            await Aside(lambda: None)
        except ConnectionError as error:
            return Answer((Outcome.DEFERRED,), str(error))
        return Answer((Outcome.ACCEPTED,))

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    streams = Streams(Opening([Doing(opening)]))
    with monkeypatch.context() as patched:
        patched.setattr("digest.delivery.engines.streams.threading.Thread.start", refuse)
        streams.send(0, a_job())
    assert answers(streams, 1)[0] == Answer((Outcome.DEFERRED,), "can't start new thread")
    streams.close()


def test_what_cannot_wait_in_company_holds_nobody_up() -> None:
    go_on = threading.Event()

    async def slow() -> Answer:
        return Answer((Outcome.ACCEPTED,), await Aside(lambda: str(go_on.wait(20))))

    async def failing() -> Answer:
        try:
            await Aside(lambda: 1 // 0)
        except ZeroDivisionError:
            return Answer((Outcome.DEFERRED,))
        return Answer((Outcome.ACCEPTED,))

    streams = Streams(Opening([Doing(slow), Doing(failing)]))
    for lane in (0, 1):
        streams.send(lane, a_job())
    assert answers(streams, 1)[1].outcomes == (Outcome.DEFERRED,)
    go_on.set()
    assert answers(streams, 1)[0].text == "True"
    streams.close()
    assert run(failing()).outcomes == (Outcome.DEFERRED,)


def test_an_end_waits_for_nobody() -> None:
    held = threading.Event()

    async def stuck() -> Answer:
        return Answer((Outcome.ACCEPTED,), await Aside(lambda: str(held.wait(20))))

    with reading(3600) as (streams, _, those):
        pass
    assert those[0].closed.is_set()
    streams = Streams(Opening([Doing(stuck)]))
    streams.send(0, a_job())
    streams.close(0.1)
    held.set()  # whoever comes back now finds nobody, and says nothing


def test_a_hint_that_cannot_be_written_does_not_concern_the_message() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        wire = Wire(ours, Deadline(SHORT))
        run(wire.write(b"mess", b"age", hint=b"x" * 4_000_000))  # nobody reads all of that
        assert theirs.recv(7) == b"message"
        with pytest.raises(TimeoutError):
            run(wire.write(b"y" * 4_000_000))
        wire.close()


def test_the_relay_and_sendgrid_are_providers_of_streams() -> None:
    from digest.delivery.providers.sendgrid import SendGrid
    from digest.delivery.providers.smtp import Smtp

    assert issubclass(Smtp, Streaming)
    assert issubclass(SendGrid, Streaming)

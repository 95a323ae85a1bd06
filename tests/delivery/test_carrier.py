"""A carrier carries what would be carried here, and whatever becomes of it, nobody is sent to twice and everybody is accounted for."""

from __future__ import annotations

import fcntl
import math
import os
import pickle
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from digest.delivery.engines import carrier as carrier_module
from digest.delivery.engines.carrier import LOST, Carrier
from digest.delivery.engines.carrier_line import ANSWERED, DEGRADED, Line, pack_answer, read_answer
from digest.delivery.engines.lanes import Job
from digest.delivery.envelopes import EnvelopeMaker
from digest.delivery.press import Planned
from digest.delivery.providers.answer import Answer, Outcome, Trouble
from digest.delivery.providers.sendgrid import SendGrid
from digest.delivery.real_time import elapsed
from digest.delivery.recipient import Recipient
from digest.delivery.shelf import Shelf
from digest.delivery.steps import Answered, Heard, Lost, NotHandedOver
from digest.rendering.degrading import Degraded, Form
from digest.testing.sendgrid_judge import judge_strictly
from digest.testing.sendgrid_stub import Request, SendGridStub
from digest.testing.specimens import some_settings
from tests.delivery.mute import Mute
from tests.issues.newsroom import a_newsroom

KEY = "SG.canary-key"
SECRET = b"k" * 32


@dataclass(frozen=True, slots=True)
class OfSlot:
    newsletter: str = "weekly"
    frequency: str = "weekly"
    slot: str = "2026-11-23T09:00"


MAKER = EnvelopeMaker(SECRET, "https://news.example", OfSlot(), "bounces@news.example")
PEOPLE = [
    Recipient(1, 11, "ann@x.example", "Ann@x.example", "Ann & <Bo>", 0),
    Recipient(2, 12, "bo@x.example", "bo@x.example", None, 3),
    Recipient(3, 13, "chlo@x.example", "chlo@x.example", "Chloë Müller", 0),
]


@pytest.fixture
def planned(tmp_path: Path) -> Iterator[Planned]:
    """A rendition that was planned, and not yet assembled."""
    with a_newsroom(tmp_path) as newsroom:
        newsroom.join("ann")
        newsroom.arrive("a")
        issue = newsroom.planned()
        with newsroom.store.reading() as connection:
            found = Shelf(connection, issue).look(connection, 1)
        assert found is not None
        yield found


@dataclass(slots=True)
class Here:
    """What carries instead, should the carrier be lost: notes whom, and answers at once."""

    carried: list[int] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)

    def send(self, lane: int, job: Job) -> None:
        self.carried += [person.subscriber_id for person in job.people]
        self.heard.append(Answered(lane, Answer((Outcome.ACCEPTED,) * len(job.people))))

    def hear(self, seconds: float) -> list[Heard]:
        heard, self.heard = self.heard, []
        return heard

    def recall(self) -> None:
        return

    def close(self, seconds: float = 1.0) -> None:
        return


def a_carrier(provider: Any, planned: Planned, here: Any, longest: float = 5.0, lock: int | None = None) -> Carrier:
    span = timedelta(seconds=longest)
    return Carrier(provider, provider.made_of, MAKER, planned.press, longest=span, lock=lock, instead=lambda: here)


def a_job(planned: Planned, people: Sequence[Recipient] = PEOPLE, begin_by: float = math.inf) -> Job:
    return Job(planned, people, MAKER.make, lambda: True, begin_by=begin_by)


def heard(carrier: Carrier, many: int = 1) -> list[Heard]:
    found: list[Heard] = []
    until = time.monotonic() + 30
    while len(found) < many and time.monotonic() < until:
        found += carrier.hear(0.5)
    return found


def pid_of(carrier: Carrier) -> int:
    process = carrier._process
    assert isinstance(process, subprocess.Popen)
    return process.pid


def through_api(stub: SendGridStub) -> SendGrid:
    return SendGrid(some_settings(delivery={}, providers={"sendgrid": {"api_key": KEY, "host": stub.url}}))


@dataclass(slots=True)
class Holding:
    """An API that says nothing until it is let."""

    came: threading.Event = field(default_factory=threading.Event)
    let: threading.Event = field(default_factory=threading.Event)

    def __call__(self, request: Request) -> None:
        self.came.set()
        assert self.let.wait(30)


@contextmanager
def a_stub(script: Any = None) -> Iterator[SendGridStub]:
    with SendGridStub(script, judges=[judge_strictly], api_key=KEY) as stub:
        yield stub


def test_what_it_posts_is_what_would_be_posted_here_and_it_is_told_no_secret_where_others_can_read_it(planned: Planned) -> None:
    with a_stub() as stub:
        with closing(a_carrier(through_api(stub), planned, Here())) as carrier:
            carrier.send(0, a_job(planned))
            carrier.send(1, a_job(planned, PEOPLE[:1]))
            answers = heard(carrier, 2)
            seen = b"".join(Path(f"/proc/{pid_of(carrier)}/{name}").read_bytes() for name in ("cmdline", "environ"))
            assert os.getsid(pid_of(carrier)) != os.getsid(0)
        by_lane = {one.lane: one for one in answers}
        assert all(isinstance(one, Answered) and set(one.answer.outcomes) == {Outcome.ACCEPTED} for one in answers)
        assert isinstance(by_lane[0], Answered)
        assert len(by_lane[0].answer.outcomes) == 3
        transport, rendition = through_api(stub).open(), planned.make()
        transport.send(rendition, [MAKER.make(person, rendition) for person in PEOPLE], datetime.now(UTC))
        transport.close()
    assert stub.violations == []
    bodies = [request.body for request in stub.accepted if len(request.recipients) == 3]
    assert bodies[0] == bodies[1]
    assert KEY.encode() not in seen
    assert SECRET.hex().encode() not in seen


def test_one_that_is_killed_leaves_in_doubt_what_it_had_and_the_rest_is_carried_here_which_is_told_once(
    planned: Planned, caplog: pytest.LogCaptureFixture
) -> None:
    script, here = Holding(), Here()
    with a_stub(script) as stub, closing(a_carrier(through_api(stub), planned, here)) as carrier:
        carrier.send(0, a_job(planned))
        until = time.monotonic() + 30
        while not script.came.is_set() and time.monotonic() < until:
            carrier.hear(0.1)  # it is handed over once it is ready
        os.kill(pid_of(carrier), signal.SIGKILL)
        assert heard(carrier) == [Lost(0, LOST)]
        carrier.send(1, a_job(planned, PEOPLE[1:]))
        assert [one.lane for one in heard(carrier)] == [1]
        script.let.set()
    assert here.carried == [2, 3]
    (told,) = caplog.messages
    assert told.startswith("the process that carries the messages is lost")


def test_what_it_had_said_before_it_was_killed_holds(planned: Planned) -> None:
    with a_stub() as stub, closing(a_carrier(through_api(stub), planned, Here())) as carrier:
        carrier.send(0, a_job(planned))
        while not carrier._ready:
            carrier.hear(0.01)
        time.sleep(0.5)  # it has answered by now, and nobody has listened
        os.kill(pid_of(carrier), signal.SIGKILL)
        (answered,) = heard(carrier)
    assert isinstance(answered, Answered)


def test_what_was_not_handed_over_when_it_could_not_begin_is_carried_here_and_in_no_doubt(
    planned: Planned, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = Here()
    monkeypatch.setattr(carrier_module, "_PROGRAM", "raise SystemExit(3)")
    with a_stub() as stub, closing(a_carrier(through_api(stub), planned, here)) as carrier:
        carrier.send(0, a_job(planned))
        carrier.send(1, a_job(planned))
        assert all(isinstance(one, Answered) for one in heard(carrier, 2))
    assert here.carried == [1, 2, 3, 1, 2, 3]


def test_nobody_waits_for_one_that_never_begins_or_cannot_be_started(planned: Planned, monkeypatch: pytest.MonkeyPatch) -> None:
    def cannot(there: socket.socket, lock: int | None) -> Any:
        raise OSError("no more processes")

    monkeypatch.setattr(carrier_module, "_PROGRAM", "import time; time.sleep(60)")
    monkeypatch.setattr(carrier_module, "_READY_WITHIN", 0.2)
    with a_stub() as stub:
        with closing(a_carrier(through_api(stub), planned, Here())) as carrier:
            carrier.send(0, a_job(planned))
            assert isinstance(heard(carrier)[0], Answered)
        monkeypatch.setattr(carrier_module, "launch", cannot)
        with closing(a_carrier(through_api(stub), planned, Here())) as carrier:
            carrier.send(0, a_job(planned))
            assert isinstance(heard(carrier)[0], Answered)


def test_one_that_was_stopped_for_too_long_is_ended_for_sure_before_anything_is_in_doubt(
    planned: Planned, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carrier_module, "_MARGIN", timedelta(0))
    script = Holding()
    with a_stub(script) as stub, closing(a_carrier(through_api(stub), planned, Here(), longest=1.0)) as carrier:
        carrier.send(0, a_job(planned))
        while not script.came.is_set():
            carrier.hear(0.01)
        pid = pid_of(carrier)
        os.kill(pid, signal.SIGSTOP)
        assert heard(carrier) == [Lost(0, LOST)]
        assert not is_alive(pid)
        script.let.set()


def test_a_job_that_is_late_when_it_comes_to_it_is_not_handed_over(planned: Planned) -> None:
    with a_stub() as stub, closing(a_carrier(through_api(stub), planned, Here())) as carrier:
        carrier.send(0, a_job(planned, begin_by=elapsed() - 1))
        assert heard(carrier) == [NotHandedOver(0)]
        carrier.send(0, replace(a_job(planned), in_time=lambda: False))
        assert heard(carrier) == [NotHandedOver(0)]
        assert stub.recipients == []


def test_what_waits_for_it_to_begin_can_be_recalled_and_so_can_what_it_has_not_begun(planned: Planned) -> None:
    with a_stub() as stub, closing(a_carrier(through_api(stub), planned, Here())) as carrier:
        carrier.send(0, a_job(planned))
        carrier.recall()
        assert heard(carrier) == [NotHandedOver(0)]
        while not carrier._ready:
            carrier.hear(0.01)
        carrier.send(0, a_job(planned))
        carrier.recall()  # it begins at once what it is given, so that nothing is left to be recalled
        (answered,) = heard(carrier)
        assert isinstance(answered, Answered)
    assert len(stub.recipients) == 3


def test_a_signal_that_is_meant_for_its_parent_does_not_end_it(planned: Planned) -> None:
    script = Holding()
    with a_stub(script) as stub, closing(a_carrier(through_api(stub), planned, Here())) as carrier:
        carrier.send(0, a_job(planned))
        while not script.came.is_set():
            carrier.hear(0.01)
        for one in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            os.kill(pid_of(carrier), one)
        script.let.set()
        assert isinstance(heard(carrier)[0], Answered)


def test_it_holds_the_run_lock_until_it_has_ended(planned: Planned, tmp_path: Path) -> None:
    path = tmp_path / "lock"
    held = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
    fcntl.flock(held, fcntl.LOCK_EX)
    with a_stub() as stub:
        carrier = a_carrier(through_api(stub), planned, Here(), lock=held)
        carrier.send(0, a_job(planned))
        heard(carrier)
        os.close(held)  # as its parent's death would
        other = os.open(path, os.O_RDWR)
        with pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        carrier.close()
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(other)


@pytest.mark.parametrize("stopped", [False, True])
def test_it_ends_with_its_parent_even_while_it_is_stopped(stopped: bool) -> None:
    recipe = f"{MAKER.recipe!r}"
    code = (
        "import os, socket, time; from digest.delivery.engines import carrier;"
        "from digest.delivery.engines.carrier_line import BEGIN, READY, Line; here, there = socket.socketpair();"
        "from tests.delivery.mute import Mute; import pickle;"
        "process = carrier.launch(there, None); there.close(); line = Line(here);"
        f"line.say(BEGIN, os.getpid(), pickle.dumps((Mute, None, {recipe}, None)), within=5);"
        "assert line.hear(30) == [(READY,)]; print(process.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    with parent, parent.stdout:
        child = int(parent.stdout.readline())
        if stopped:
            os.kill(child, signal.SIGSTOP)
        parent.kill()
    until = time.monotonic() + 20
    while is_alive(child) and time.monotonic() < until:
        time.sleep(0.02)
    assert not is_alive(child)


def test_a_provider_whose_connections_block_has_a_thread_for_each_there_too(planned: Planned) -> None:
    with closing(a_carrier(Mute(some_settings()), planned, Here())) as carrier:
        for lane in range(3):
            carrier.send(lane, a_job(planned, PEOPLE[lane : lane + 1]))
        answers = heard(carrier, 3)
    assert {one.lane for one in answers} == {0, 1, 2}
    assert all(isinstance(one, Answered) and one.answer.texts == {0: "mute"} for one in answers)


def test_what_did_not_fit_is_told(planned: Planned) -> None:
    degraded = Degraded(Form.TITLES, 200_000, 90_000)
    carrier = a_carrier(Mute(some_settings()), planned, Here())
    carrier._take(DEGRADED, [1, pickle.dumps(degraded)])
    assert planned.press.degraded == {1: degraded}


@pytest.mark.parametrize(
    "answer",
    [
        Answer((Outcome.ACCEPTED,) * 1000, "250 ok", provider_message_id="M1"),
        Answer((Outcome.ACCEPTED, Outcome.REJECTED, Outcome.UNKNOWN), texts={1: "550 no", 2: "?"}, crowded=frozenset({1})),
        Answer((Outcome.DEFERRED,) * 2, "slow down", trouble=Trouble.THROTTLED, retry_after=2.5),
        Answer(()),
    ],
)
def test_an_answer_is_the_same_at_the_other_end(answer: Answer) -> None:
    assert read_answer(pack_answer(answer)) == answer


def test_a_line_hears_what_was_said_whole_and_then_that_nobody_is_there() -> None:
    one, other = socket.socketpair()
    here, there = Line(one), Line(other)
    large = [b"x" * 1_000_000, "text", 1.5, None, (1, (2, "three"))]
    said = threading.Thread(target=lambda: there.say(ANSWERED, *large, within=20))
    said.start()
    assert here.hear(20) == [(ANSWERED, *large)]
    said.join()
    assert here.hear(0) == []
    there.say(1, within=1)
    there.close()
    assert here.hear(5) == [(1,)]
    with pytest.raises(EOFError):
        here.hear(5)
    with pytest.raises(BrokenPipeError):
        here.say(1, within=1)
    here.close()


def test_nobody_waits_for_ever_for_who_does_not_take_what_is_said() -> None:
    one, other = socket.socketpair()
    with other:
        here = Line(one)
        with pytest.raises(TimeoutError):
            here.say(b"x" * 10_000_000, within=0.2)
        here.close()


def is_alive(process: int) -> bool:
    """Whether it runs; one that has ended and that nobody has waited for does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False

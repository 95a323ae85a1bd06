"""The scribe writes what would be written here, and whatever becomes of it, everybody gets theirs."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from digest.delivery.engines import scribe as scribe_module
from digest.delivery.engines.lanes import Job, Lanes
from digest.delivery.engines.scribe import Scribe
from digest.delivery.engines.scribe_frame import FRAME
from digest.delivery.envelopes import EnvelopeMaker
from digest.delivery.providers.answer import Answer, Outcome
from digest.delivery.providers.sendgrid import SendGrid
from digest.delivery.providers.sendgrid_fitting import write_whole
from digest.delivery.recipient import Recipient
from digest.delivery.steps import Answered
from digest.testing.sendgrid_judge import judge_strictly
from digest.testing.sendgrid_stub import Request, Respond, SendGridStub, errors
from digest.testing.specimens import a_rendition, some_settings

KEY = "SG.canary-key"


@dataclass(frozen=True, slots=True)
class OfSlot:
    newsletter: str = "weekly"
    frequency: str = "weekly"
    slot: str = "2026-11-23T09:00"


MAKER = EnvelopeMaker(b"k" * 32, "https://news.example", OfSlot(), "bounces@news.example")
RENDITION = a_rendition()
PEOPLE = [
    Recipient(1, 11, "ann@x.example", "Ann@x.example", "Ann & <Bo>", 0),
    Recipient(2, 12, "bo@x.example", "bo@x.example", None, 3),
    Recipient(3, 13, "chloë.zoé@x.example".encode("ascii", "ignore").decode(), "chlo@x.example", "Chloë Müller", 0),
]


def here(people: list[Recipient]) -> bytes | None:
    return write_whole(RENDITION, [MAKER.make(person, RENDITION) for person in people])


@pytest.fixture
def scribe() -> Iterator[Scribe]:
    with closing(Scribe(write_whole, MAKER)) as working:
        yield working


def test_a_scribe_writes_byte_for_byte_what_would_be_written_here(scribe: Scribe) -> None:
    assert scribe.write(RENDITION, PEOPLE) == here(PEOPLE)
    assert scribe.write(RENDITION, PEOPLE[:1]) == here(PEOPLE[:1])
    nobody = PEOPLE[0]._replace(address="not an address")
    assert scribe.write(RENDITION, [*PEOPLE, nobody]) is None
    twice = [*PEOPLE, PEOPLE[0]._replace(subscriber_id=9)]
    assert scribe.write(RENDITION, twice) is None
    assert scribe.write(RENDITION, PEOPLE[1:]) == here(PEOPLE[1:])


def test_one_that_was_killed_writes_no_more_that_is_told_once_and_another_is_not_started(
    scribe: Scribe, caplog: pytest.LogCaptureFixture
) -> None:
    assert scribe.write(RENDITION, PEOPLE) is not None
    process = scribe._process
    assert process is not None
    process.kill()
    process.wait()
    assert scribe.write(RENDITION, PEOPLE) is None
    assert scribe.write(RENDITION, PEOPLE) is None
    assert scribe._process is process
    (told,) = caplog.messages
    assert told.startswith("the process that writes requests is lost")


def test_what_answers_another_question_is_not_believed(scribe: Scribe) -> None:
    ours, theirs = socket.socketpair()
    scribe._line = ours
    with theirs:
        theirs.sendall(FRAME.pack(7, 2) + b"{}")
        assert scribe.write(RENDITION, PEOPLE) is None
        assert scribe.write(RENDITION, PEOPLE) is None
    assert ours.fileno() == -1


def test_nobody_waits_long_for_one_that_says_nothing(scribe: Scribe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scribe_module, "_BEGIN", "import time; time.sleep(60)")
    monkeypatch.setattr(scribe_module, "_PATIENCE", 0.1)
    assert scribe.write(RENDITION, PEOPLE) is None
    assert scribe._process is not None
    assert scribe._process.returncode == -signal.SIGKILL


def test_who_waits_for_it_when_it_is_closed_is_told_nothing(scribe: Scribe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scribe_module, "_BEGIN", "import time; time.sleep(60)")
    told: list[Any] = []
    waiting = threading.Thread(target=lambda: told.append(scribe.write(RENDITION, PEOPLE)))
    waiting.start()
    while scribe._line is None:
        time.sleep(0.01)
    scribe.close()
    waiting.join(20)
    assert told == [None]


def test_it_ends_with_its_parent() -> None:
    code = (
        "import time; from tests.delivery.test_scribe import *; scribe = Scribe(write_whole, MAKER);"
        "assert scribe.write(RENDITION, PEOPLE); print(scribe._process.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    with parent, parent.stdout:
        child = int(parent.stdout.readline())
        parent.kill()
    until = time.monotonic() + 20
    while is_alive(child) and time.monotonic() < until:
        time.sleep(0.02)
    assert not is_alive(child)


def is_alive(process: int) -> bool:
    """Whether it runs; one that has ended and that nobody has waited for does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def carry(scribe: Scribe, stub: SendGridStub, people: list[Recipient]) -> Answer:
    settings = some_settings(delivery={}, providers={"sendgrid": {"api_key": KEY, "host": stub.url}})
    lanes = Lanes(SendGrid(settings), scribe)
    lanes.send(0, Job(RENDITION, people, MAKER.make, lambda: True))
    (answered,) = lanes.hear(20)
    lanes.close()
    assert isinstance(answered, Answered)
    return answered.answer


def a_stub(script: Any = None) -> SendGridStub:
    return SendGridStub(script, judges=[judge_strictly], api_key=KEY)


def test_what_it_has_written_is_posted_and_everybody_is_accepted(scribe: Scribe) -> None:
    with a_stub() as stub:
        assert set(carry(scribe, stub, PEOPLE).outcomes) == {Outcome.ACCEPTED}
    assert scribe._number == 1
    assert (stub.recipients, stub.violations) == ([person.address for person in PEOPLE], [])


def test_whom_the_provider_refuses_is_left_out_of_what_was_written(scribe: Scribe) -> None:
    def script(request: Request) -> Respond | None:
        places = [place for place, address in enumerate(request.recipients) if address == "bo@x.example"]
        return errors(*((f"personalizations.{place}.to.0.email", "no") for place in places)) if places else None

    with a_stub(script) as stub:
        answer = carry(scribe, stub, PEOPLE)
    assert answer.outcomes == (Outcome.ACCEPTED, Outcome.REJECTED, Outcome.ACCEPTED)
    assert stub.recipients == ["ann@x.example", PEOPLE[2].address]


def test_where_it_cannot_write_the_lane_does(scribe: Scribe) -> None:
    with a_stub() as stub:
        answer = carry(scribe, stub, [*PEOPLE, PEOPLE[0]._replace(subscriber_id=9)])
    assert set(answer.outcomes) == {Outcome.ACCEPTED}
    assert [len(request.recipients) for request in stub.accepted] == [3, 1]


def test_where_it_is_gone_the_lane_writes_as_well() -> None:
    gone = Scribe(write_whole, MAKER)
    gone.close()
    with a_stub() as stub:
        assert set(carry(gone, stub, PEOPLE).outcomes) == {Outcome.ACCEPTED}
    assert stub.recipients == [person.address for person in PEOPLE]
    assert gone._process is None


def test_its_process_is_told_no_secret_where_others_can_read_it(scribe: Scribe) -> None:
    assert scribe.write(RENDITION, PEOPLE) is not None
    process = scribe._process
    assert process is not None
    seen = b"".join(Path(f"/proc/{process.pid}/{name}").read_bytes() for name in ("cmdline", "environ"))
    assert (b"k" * 32).hex().encode() not in seen
    assert os.getsid(process.pid) != os.getsid(0)

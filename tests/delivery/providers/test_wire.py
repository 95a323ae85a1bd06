"""Connections on which nothing lasts longer than it was given."""

from __future__ import annotations

import socket
from datetime import timedelta
from threading import Thread

import pytest

from digest.delivery.providers.port import longest_send
from digest.delivery.providers.waiting import run
from digest.delivery.providers.wire import Deadline, Wire, dial
from digest.testing.specimens import some_settings


def test_a_deadline_that_is_over_lets_nobody_wait() -> None:
    deadline = Deadline(timedelta(0))
    assert deadline.is_over()
    with pytest.raises(TimeoutError):
        deadline.remaining()
    with pytest.raises(TimeoutError):
        Deadline(3600).at_most(0).remaining()
    with pytest.raises(TimeoutError):
        deadline.at_most(3600).remaining()
    assert not Deadline(3600).is_over()


def test_a_connection_is_quiet_until_something_comes_unasked_or_it_ends() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        wire = Wire(ours, Deadline(10))
        assert wire.is_quiet()
        theirs.sendall(b"421 bye\r\n")
        assert not wire.is_quiet()
    wire.read()
    assert not wire.is_quiet()
    wire.close()
    assert not wire.is_quiet()


@pytest.mark.parametrize(
    "pieces", [[], [b""], [b"one"], [b"x" * 900_000, b"", b"y" * 900_000], [b"%d;" % number for number in range(5000)]]
)
@pytest.mark.parametrize("hint", [b"", b"hint"])
def test_pieces_are_written_one_behind_the_other_however_little_is_taken_at_once(pieces: list[bytes], hint: bytes) -> None:
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
    wire, heard = Wire(ours, Deadline(30)), bytearray()

    def read() -> None:
        while data := theirs.recv(5000):
            heard.extend(data)

    reader = Thread(target=read)
    reader.start()
    run(wire.write(*pieces, hint=hint))
    wire.close()
    reader.join(30)
    theirs.close()
    assert bytes(heard) == b"".join(pieces) + hint


def test_what_is_read_as_a_file_ends_with_the_connection() -> None:
    ours, theirs = socket.socketpair()
    theirs.sendall(b"one\ntwo")
    theirs.close()
    wire = Wire(ours, Deadline(10))
    with wire.makefile("rb") as file:
        assert file.readlines() == [b"one\n", b"two"]
    with pytest.raises(ValueError, match="bytes"):
        wire.makefile("r")
    wire.close()


@pytest.mark.parametrize("host", ["x" * 70 + ".example", "no-such-host.invalid"])
def test_a_name_that_is_none_is_an_os_error(host: str) -> None:
    with pytest.raises(OSError, match=r"name|Name|service"):
        dial(host, 25, Deadline(10))


def test_a_send_takes_at_most_the_connection_and_twice_the_timeout() -> None:
    delivery = some_settings(delivery={"timeout": "10m", "connect_timeout": "30s"}).delivery
    assert longest_send(delivery) == timedelta(minutes=20, seconds=30)

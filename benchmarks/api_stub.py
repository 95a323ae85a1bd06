"""SendGrid's mail/send as a process of its own that takes everything and parses next to nothing, so that it never is what is slow.

    python -m benchmarks.api_stub MILLISECONDS

prints its port, answers each request after so many milliseconds with 202, and at the end of its input tells what it took.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field

import orjson

_ANSWER = b"HTTP/1.1 202 Accepted\r\nX-Message-Id: stub\r\nContent-Length: 0\r\n\r\n"
_LENGTH = b"\r\ncontent-length: "
_ONE_EACH = b'"delivery_id"'


@dataclass(slots=True)
class Taken:
    """What a stub took: requests, recipients, bytes, and over how many connections."""

    requests: int = 0
    recipients: int = 0
    size: int = 0
    connections: int = 0


@dataclass(slots=True)
class RunningStub:
    """A stub under way; `taken` is known once it has ended."""

    url: str
    taken: Taken = field(default_factory=Taken)


@contextmanager
def a_stub(milliseconds: int = 0) -> Iterator[RunningStub]:
    """A stub, while the block runs."""
    command = [sys.executable, "-m", "benchmarks.api_stub", str(milliseconds)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("the stub has no pipes")
        running = RunningStub(f"http://127.0.0.1:{int(process.stdout.readline())}")
        try:
            yield running
        finally:
            process.stdin.close()
            running.taken = Taken(**orjson.loads(process.stdout.readline()))


def serve(seconds: float) -> None:
    """Listen until the input ends."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    print(listener.getsockname()[1], flush=True)
    each: list[Taken] = []
    threading.Thread(target=_accept, args=(listener, seconds, each), daemon=True).start()
    sys.stdin.read()
    whole = Taken(
        requests=sum(one.requests for one in each),
        recipients=sum(one.recipients for one in each),
        size=sum(one.size for one in each),
        connections=len(each),
    )
    print(orjson.dumps(asdict(whole)).decode(), flush=True)


def _accept(listener: socket.socket, seconds: float, each: list[Taken]) -> None:
    while True:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        each.append(Taken(connections=1))
        threading.Thread(target=_speak, args=(connection, seconds, each[-1]), daemon=True).start()


def _speak(connection: socket.socket, seconds: float, taken: Taken) -> None:
    buffer = bytearray(1 << 16)
    held = 0
    while True:
        end = buffer.find(b"\r\n\r\n", 0, held)
        while end < 0:
            got = connection.recv_into(memoryview(buffer)[held:])
            if not got:
                return
            held += got
            end = buffer.find(b"\r\n\r\n", 0, held)
        head = bytes(buffer[: end + 2]).lower()
        at = head.index(_LENGTH) + len(_LENGTH)
        whole = end + 4 + int(head[at : head.index(b"\r\n", at)])
        if whole > len(buffer):
            buffer.extend(bytes(whole - len(buffer)))
        view = memoryview(buffer)
        while held < whole:
            got = connection.recv_into(view[held:whole])
            if not got:
                return
            held += got
        view.release()
        taken.requests += 1
        taken.recipients += buffer.count(_ONE_EACH, end, whole)
        taken.size += whole
        held = 0  # nothing is pipelined: what has come is this request
        if seconds:
            time.sleep(seconds)
        connection.sendall(_ANSWER)


if __name__ == "__main__":
    serve(int(sys.argv[1]) / 1000)

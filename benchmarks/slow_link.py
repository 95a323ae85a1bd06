"""A link with a round trip: `python -m benchmarks.slow_link TARGET_PORT SECONDS_EACH_WAY` prints the port it listens on.

Every byte arrives so much later, in either direction, and as many as like are under way at once: the delay is the
link's, not a command's.
"""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class _End(asyncio.Protocol):
    """One end of a connection through the link; what it hears, the other end says a while later."""

    def __init__(self, delay: float) -> None:
        self.other: _End | None = None
        self.transport: asyncio.Transport | None = None
        self._delay, self._under_way = delay, deque[bytes | None]()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._pass_on(data)

    def connection_lost(self, error: Exception | None) -> None:
        self._pass_on(None)

    def _pass_on(self, what: bytes | None) -> None:
        self._under_way.append(what)
        asyncio.get_running_loop().call_later(self._delay, self._arrive)

    def _arrive(self) -> None:
        what = self._under_way.popleft()
        if self.other is None or self.other.transport is None:
            return
        if what is None:
            self.other.transport.close()
        elif not self.other.transport.is_closing():
            self.other.transport.write(what)


class _Caller(_End):
    """The end that was called: it calls the target, and hears nothing before that has answered."""

    def __init__(self, target: int, delay: float) -> None:
        super().__init__(delay)
        self._target = target

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        assert self.transport is not None
        self.transport.pause_reading()
        self._calling = asyncio.get_running_loop().create_task(self._call())

    async def _call(self) -> None:
        _, self.other = await asyncio.get_running_loop().create_connection(lambda: _End(self._delay), "127.0.0.1", self._target)
        self.other.other = self
        assert self.transport is not None
        self.transport.resume_reading()


async def _serve(target: int, delay: float) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: _Caller(target, delay), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def slow_link(target: int, each_way: float) -> Iterator[int]:
    """The link in a process of its own; gives the port to call."""
    import subprocess

    command = [sys.executable, "-m", "benchmarks.slow_link", str(target), str(each_way)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), float(sys.argv[2])))

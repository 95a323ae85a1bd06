"""Waiting without holding anybody up: a conversation says what it waits for, and whoever drives it waits for many at once.

A conversation is a coroutine that yields `Wanted`. Alone it is driven by `run`; with others by the engine's wires.
"""

from __future__ import annotations

import select
from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from digest.delivery.providers.wire import Deadline

T = TypeVar("T")


@dataclass(slots=True)  # one for each message: frozen, it takes four times as long to make
class Until:
    """A connection can be read, or written to; after the deadline a `TimeoutError` is thrown in instead."""

    connection: int
    writing: bool
    deadline: Deadline

    def __await__(self) -> Generator[Until, None, None]:
        yield self

    @property
    def sign(self) -> int:
        """What `select.poll` calls it."""
        return select.POLLOUT if self.writing else select.POLLIN

    def wait(self) -> None:
        """Wait for this alone."""
        poll = select.poll()
        poll.register(self.connection, self.sign)
        while not poll.poll(self.deadline.remaining() * 1000):
            pass


class Aside:
    """Something is done that takes its time and cannot wait like this, such as a handshake."""

    def __init__(self, work: Callable[[], Any]) -> None:
        self._work = work
        self.result: Any = None
        self.error: Exception | None = None

    def __await__(self) -> Generator[Aside, None, Any]:
        yield self
        if self.error is not None:
            raise self.error
        return self.result

    def wait(self) -> None:
        """Do it here."""
        try:
            self.result = self._work()
        except Exception as error:
            self.error = error


Wanted = Until | Aside


class _Waits(Protocol):
    def wait(self) -> None: ...


def run(coroutine: Coroutine[Wanted, None, T]) -> T:
    """Drive one conversation to its end, and do nothing else."""
    try:
        wanted: _Waits = coroutine.send(None)
        while True:
            try:
                wanted.wait()
            except TimeoutError as error:
                wanted = coroutine.throw(error)
            else:
                wanted = coroutine.send(None)
    except StopIteration as end:
        result: T = end.value
        return result

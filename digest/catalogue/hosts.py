"""Hosts: who is asked, one request at a time each, and not again in this run once it proved out of reach.

So a dead host costs one time-out, however many sources lie on it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from digest.errors import Unreachable

# A host that takes connections and then says nothing is given another chance or two: it may be one address of many.
_SILENCES = 3
_TOO_MANY_REQUESTS = 429


@dataclass(slots=True)
class _Host:
    turn: threading.Lock = field(default_factory=threading.Lock)
    silences: int = 0
    given_up: str | None = None


class Hosts:
    """The hosts of one run. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._hosts: dict[str, _Host] = {}

    @contextmanager
    def turn(self, name: str) -> Iterator[None]:
        """Held while the host `name` (with its port) is asked. Raises `Unreachable` when it was given up in this run."""
        with self._lock:
            host = self._hosts.setdefault(name.lower(), _Host())
        with host.turn:
            if host.given_up is not None:
                raise Unreachable(f"{host.given_up}; it is not asked again in this run")
            try:
                yield
            except Exception as error:
                _judge(host, name, error)
                raise
            host.silences = 0


def _judge(host: _Host, name: str, error: Exception) -> None:
    import httpcore2

    from digest.catalogue.connecting import RefusedAddress
    from digest.catalogue.fetching import Postponed

    if isinstance(error, RefusedAddress):
        return
    if isinstance(error, httpcore2.ConnectError | httpcore2.ConnectTimeout):
        host.given_up = f"{name} could not be connected to a moment ago"
    elif isinstance(error, Postponed) and error.status == _TOO_MANY_REQUESTS:
        host.given_up = f"{name} asked for fewer requests a moment ago"
    elif isinstance(error, httpcore2.TimeoutException):
        host.silences += 1
        if host.silences >= _SILENCES:
            host.given_up = f"{name} did not answer {_SILENCES} times in a row"
    else:
        host.silences = 0

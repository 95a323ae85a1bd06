"""Attending: a thread of `digest serve` that does its work whenever there is some, and outlives whatever goes wrong with it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from digest.app.wiring import App
from digest.errors import DigestError
from digest.logs import logger


class Attendant:
    """Does `work` with an application of the moment, which `make` gives: when it is woken, and every so many seconds.

    What comes within `gather` seconds of being woken is done together. `name` is what waits where the work fails.
    """

    def __init__(
        self,
        work: Callable[[App], None],
        make: Callable[[], App],
        stop: threading.Event,
        *,
        name: str,
        every: float,
        gather: float = 0.0,
    ) -> None:
        self._work, self._make, self._stop, self._woken = work, make, stop, threading.Event()
        self._name, self._every, self._gather = name, every, gather
        self._log = logger(f"digest.{name}")
        self._thread = threading.Thread(target=self._attend, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """There is something to do."""
        self._woken.set()

    def join(self, seconds: float) -> None:
        """Wait until it has ended; what it has not done waits for whoever comes next."""
        self._woken.set()
        self._thread.join(seconds)

    def _attend(self) -> None:
        while not self._stop.is_set():
            self._woken.clear()
            try:
                self._work(self._make())
            except Exception as error:  # whatever it was, the next one has its chance
                said = error if isinstance(error, DigestError) else type(error).__name__  # others may name an address
                self._log.error("%s wait: %s", self._name, said, action="attendant_waits")
                self._stop.wait(self._every)
            if self._woken.wait(self._every):
                self._stop.wait(self._gather)

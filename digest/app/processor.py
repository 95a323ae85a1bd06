"""The processor: a thread of `digest serve` that reads reports as they come."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from digest.app.processing import any_waiting, process
from digest.app.wiring import App
from digest.errors import DigestError

_log = logging.getLogger("digest.events")
_GATHER = 0.25  # seconds that reports are given to come together: a transaction for each costs more than what is in it
_EVERY = 2.0  # seconds between two looks for what waits, where nobody said that there is something


class Processor:
    """A thread that processes reports as they come. `make` gives an application of this moment."""

    def __init__(self, make: Callable[[], App], stop: threading.Event) -> None:
        self._make, self._stop, self._woken = make, stop, threading.Event()
        self._thread = threading.Thread(target=self._keep_processing, name="events", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """There is something."""
        self._woken.set()

    def join(self, seconds: float) -> None:
        """Wait until it has ended; what it has not done waits for whoever comes next."""
        self._woken.set()
        self._thread.join(seconds)

    def _keep_processing(self) -> None:
        while not self._stop.is_set():
            self._woken.clear()
            try:
                app = self._make()
                if any_waiting(app):
                    process(app)
            except Exception as error:  # whatever it was, the next report has its chance
                _log.error("reports wait: %s", error if isinstance(error, DigestError) else type(error).__name__)
                self._stop.wait(_EVERY)
            if self._woken.wait(_EVERY):
                self._stop.wait(_GATHER)

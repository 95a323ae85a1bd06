"""Pinging: a dead-man's switch is told of each run. It raises the alarm when nothing is told any more: a run that never was cannot.

Told by a thread of its own, with a deadline: a switch that is out of reach stops nothing, and keeps nobody waiting for long.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from queue import Full, Queue
from urllib.parse import urlsplit

from digest.errors import Busy, Unreachable
from digest.settings.scheduler import Scheduler

_log = logging.getLogger("digest.scheduler")
_SECONDS = 10.0
_FOR_A_PERSON = frozenset({3, 5})
_WAITING = 100  # words that have not been said: with a switch that is out of reach there will never be more


class Word(StrEnum):
    """What is told, and by which end of the address."""

    START = "/start"
    SUCCESS = ""
    FAILURE = "/fail"


def address_of(settings: Scheduler, word: Word) -> str | None:
    """Where a word is told; None where nobody wants to hear it."""
    if settings.ping_url is None or (word is not Word.SUCCESS and settings.ping_kind != "healthchecks"):
        return None
    parts = urlsplit(settings.ping_url)
    return parts._replace(path=parts.path.rstrip("/") + word.value).geturl()


def ask(address: str) -> None:
    """One GET; whatever is answered but a success raises `Unreachable`. A switch in one's own network is one, too."""
    from digest.catalogue.calling import call

    called = call("GET", address, allow_private=True, seconds=_SECONDS)
    if not 200 <= called.status < 300:
        raise Unreachable(f"it answered {called.status}")


@dataclass(slots=True)
class Outcome:
    """What a run came to, as an exit code; `Busy` is no outcome: another one has it."""

    code: int = 5

    @property
    def word(self) -> Word:
        """Refused and out of reach are for a person to look at."""
        return Word.FAILURE if self.code in _FOR_A_PERSON else Word.SUCCESS


@contextmanager
def told(settings: Scheduler | None, switch: Switch | None = None) -> Iterator[Outcome]:
    """One run, of whose start and end the switch is told; by None nobody is. Whoever works says with which code it ended."""
    outcome = Outcome()
    with switch or Switch() as switch:
        if settings is not None:
            switch.tell(settings, Word.START)
        try:
            yield outcome
        except Busy:
            raise
        except BaseException:
            if settings is not None:
                switch.tell(settings, Word.FAILURE)
            raise
        if settings is not None:
            switch.tell(settings, outcome.word)


class Switch:
    """Tells words in their order. Use it as a context: at its end what was said is waited for, as long as one word may take."""

    def __init__(self, ask: Callable[[str], None] = ask) -> None:
        self._ask = ask
        self._words: Queue[str | None] = Queue(_WAITING)
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Switch:
        return self

    def __exit__(self, *_: object) -> None:
        self.close(_SECONDS)

    def tell(self, settings: Scheduler, word: Word) -> None:
        """Say it soon, where somebody wants to hear it."""
        address = address_of(settings, word)
        if address is None:
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._speak, name="pings", daemon=True)
            self._thread.start()
        try:
            self._words.put_nowait(address)
        except Full:
            _log.warning("the dead-man's switch could not be told: too much waits for it")

    def close(self, seconds: float) -> None:
        """Wait for what was said, at most so long."""
        if self._thread is not None:
            try:
                self._words.put(None, timeout=seconds)
            except Full:
                return
            self._thread.join(seconds)

    def _speak(self) -> None:
        while True:
            address = self._words.get()
            if address is None:
                return
            try:
                self._ask(address)
            except Exception as error:  # its words may name the address, which is a secret of sorts
                said = error if isinstance(error, Unreachable) else type(error).__name__
                _log.warning("the dead-man's switch could not be told: %s", said)

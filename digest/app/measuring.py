"""Measuring: what `/metrics` and `digest status` show, read from the store at most so often, whoever asks."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime

from digest import __version__
from digest.app import slotting
from digest.app.wiring import App
from digest.delivery.halting import in_force
from digest.errors import Unreachable
from digest.insights.measures import Counts, Family, Memory, Slots, measure, measure_waiting
from digest.store.migrations import HEAD

_FRESH = 10.0  # seconds: a delivery of a million takes a second to count


class Measurer:
    """Measures when asked, for one asker at a time; who asks within a few seconds of another gets the same."""

    def __init__(self, fresh: float = _FRESH) -> None:
        self._fresh, self._turn, self._memory = fresh, threading.Lock(), Memory()
        self._at, self._found = float("-inf"), tuple[Family, ...]()

    def measure(self, app: App) -> tuple[Family, ...]:
        """Every measure of a project."""
        with self._turn:
            if time.monotonic() - self._at >= self._fresh:
                self._found = tuple(_measured(app, self._memory))
                self._at = time.monotonic()
            return self._found


def _measured(app: App, memory: Memory) -> list[Family]:
    began = time.monotonic()
    slots = list(_slots(app))
    with app.store.reading() as connection:
        found = [
            *measure(connection, slots, app.now, memory),
            *measure_waiting(connection, datetime.now(UTC)),
        ]
        halted = in_force(connection) is not None
    built: Counts = {(__version__, HEAD): 1.0}
    return [
        Family("build_info", "Which Digest this is.", ("version", "revision"), built),
        Family("sending_halted", "1: a halt is in force, and nothing is sent.", (), {(): float(halted)}),
        Family(
            "sending_unconfirmed",
            "1: this database was restored or copied, and nothing is sent until a person says that it is the one that sends.",
            (),
            {(): float(_unconfirmed(app))},
        ),
        *found,
        Family("measuring_seconds", "How long it took to read all this.", (), {(): time.monotonic() - began}),
    ]


def _slots(app: App) -> Iterator[Slots]:
    for newsletter in app.newsletters(None):
        for frequency in newsletter.frequencies:
            due = slotting.due(app, newsletter, frequency)
            gone = due is not None and slotting.too_late(app, newsletter, frequency, due)
            coming = slotting.coming(app, newsletter, frequency)
            yield Slots(newsletter.slug, frequency.value, None if gone else due, coming)


def _unconfirmed(app: App) -> bool:
    try:
        return app.epoch.obstacle() is not None
    except Unreachable:
        return True

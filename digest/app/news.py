"""News: the thread of `digest serve` that tells editors and other programs what has happened, whoever did it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from digest.app.attending import Attendant
from digest.app.calling_out import any_due, call_out
from digest.app.noticing import take_notice
from digest.app.wiring import App

_EVERY = 5.0  # seconds between two looks


def noticer(make: Callable[[], App], stop: threading.Event, wake: Callable[[], None]) -> Attendant:
    """Looks for what has happened, and calls out; `wake` says that letters wait."""

    def notice(app: App) -> None:
        if not app.sends_for_real:
            return  # then every run is a dry run, and nothing happens
        if take_notice(app):
            wake()
        if any_due(app):
            call_out(app)

    return Attendant(notice, make, stop, name="notices", every=_EVERY)

"""Scheduling: one process that does what cron would: a run at every slot, and one each quarter of an hour."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from digest.app.wiring import App
from digest.errors import Busy, DigestError
from digest.issues.calendar import next_slot
from digest.settings import Settings

EVERY = timedelta(minutes=15)
_LOOK = 1.0  # seconds between two looks at the clock: it may be set, or the machine may have slept
_log = logging.getLogger("digest.scheduler")


def next_run(settings: Settings, after: datetime) -> datetime:
    """When the next run is, after a time: the next slot of any newsletter, or the next quarter of an hour."""
    quarter = after.replace(minute=after.minute // 15 * 15, second=0, microsecond=0) + EVERY
    current = [newsletter for newsletter in settings.newsletters if newsletter.current]
    crons = [(cron, ZoneInfo(newsletter.timezone)) for newsletter in current for cron in newsletter.schedule.values()]
    slots = (next_slot(cron, zone, max(after, settings.started_at)) for cron, zone in crons)
    return min([quarter, *(slot.at for slot in slots if slot is not None)])


class Scheduler:
    """A thread that runs. `make` gives an application of this moment, `run` does a run with it."""

    def __init__(self, make: Callable[[], App], run: Callable[[App], None], stop: threading.Event) -> None:
        self._make, self._run, self._stop = make, run, stop
        self._thread = threading.Thread(target=self._keep_running, name="scheduler", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def join(self, seconds: float) -> None:
        """Wait until a run that goes on has ended; it was told to by `stop`."""
        self._thread.join(seconds)

    def _keep_running(self) -> None:
        app = self._make()
        due = next_run(app.settings, app.now)
        while not self._stop.wait(_LOOK):
            app = self._make()
            if app.now < due:
                continue
            self._run_once(app)
            due = next_run(app.settings, app.now)

    def _run_once(self, app: App) -> None:
        try:
            self._run(app)
        except Busy as busy:
            _log.info("%s", busy)
        except Exception as error:  # whatever it was, the next run has its chance
            _log.error("a run failed: %s", error if isinstance(error, DigestError) else type(error).__name__)

"""The timetable: what a process that schedules itself does, and when each thing is next. By the clock of decisions.

Whatever is done here, `digest run` does as well: a job is one of its parts, at a time of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from digest.app import slotting
from digest.app.fetching import Fetched, fetch
from digest.app.mailing_back import read_mailbox
from digest.app.wiring import App
from digest.delivery.waves import next_wave
from digest.issues.issue import next_said

Run = Callable[[App, Fetched | None], int]
"""Does a whole run, of which sources were read lately; returns what its exit code would be."""

_ZERO = datetime(1970, 1, 1, tzinfo=UTC)
OUT_OF_REACH = 5


@dataclass(frozen=True, slots=True)
class Job:
    """One thing that is done again and again: `work` returns an exit code, `next_at` is when, after an application's moment.

    A dead-man's switch is told of what `tells`. One that is for `the_start` is done at once, too: somebody may have been away.
    """

    name: str
    work: Callable[[App], int]
    next_at: Callable[[App], datetime]
    tells: bool = False
    the_start: bool = False


class Jobs:
    """The jobs of one process. They share what was read lately, so that sources are not asked twice for the same."""

    def __init__(self, run: Run) -> None:
        self._run, self._lately = run, dict[str, Fetched]()

    def all(self) -> tuple[Job, ...]:
        """Every one."""
        return (
            Job("run", self._do_run, next_run, tells=True, the_start=True),
            Job("fetch", self._do_fetch, next_fetch),
            Job("mailbox", _do_mailbox, lambda app: at_rhythm(app.now, app.settings.scheduler.mailbox_every)),
        )

    def _do_run(self, app: App) -> int:
        return self._run(app, self._lately.get("all"))

    def _do_fetch(self, app: App) -> int:
        if not app.sends_for_real:
            return 0  # every run is a dry run, and stores nothing
        fetched = fetch(app)
        if not fetched.stopped:
            self._lately["all"] = fetched
        return OUT_OF_REACH if fetched.all_failed and not fetched.stopped else 0


def _do_mailbox(app: App) -> int:
    if app.settings.bounces.host is not None and app.sends_for_real:
        read_mailbox(app)
    return 0


def at_rhythm(after: datetime, every: timedelta) -> datetime:
    """The next time of a rhythm: every quarter of an hour means at the full hour, and at a quarter past."""
    return _ZERO + ((after - _ZERO) // every + 1) * every


def next_fetch(app: App) -> datetime:
    """When sources are read by their own rhythm: in the midst of runs, which may read them, too, and of slots."""
    every = app.settings.scheduler.fetch_every
    return at_rhythm(app.now + every / 2, every) - every / 2


def next_run(app: App) -> datetime:
    """When the next run is: at a slot, so long before one as it is drafted, when a wave opens, at a time that a person has said; or by the
    rhythm of runs."""
    rhythm = at_rhythm(app.now, app.settings.scheduler.run_every)
    return min(rhythm, *_moments(app))


def _moments(app: App) -> Iterator[datetime]:
    for newsletter in app.newsletters(None):
        ahead = newsletter.draft_before
        for frequency in newsletter.frequencies:
            slot = slotting.coming(app, newsletter, frequency)
            if slot is not None:
                yield slot.at
            if ahead is not None and (later := slotting.coming(app, newsletter, frequency, after=app.now + ahead)) is not None:
                yield later.at - ahead
    with app.store.reading() as connection:
        wave, said = next_wave(connection, app.now), next_said(connection, app.now)
    yield from (one for one in (wave, said) if one is not None)

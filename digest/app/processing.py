"""Processing: reports that were received are read, and what they tell is applied. In any order, any number of times.

Each step is one transaction: events are stored once by their key, and a report is finished in the transaction that applied the last
of it. So a process that is killed leaves nothing half done that is not done again, and of two at once each finds what the other one
has left.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from digest.app.attending import Attendant
from digest.app.hearing import Alarms, apply
from digest.app.opening import DEFECT, Openers, Step, apart, steps
from digest.app.wiring import App
from digest.delivery import reports
from digest.delivery.events import Applied
from digest.delivery.reading_reports import account_of
from digest.delivery.reports import ReportState
from digest.errors import Unreachable
from digest.logs import logger

_log = logger("digest.events")
_REPORTS, _BYTES = 200, 4 * 1024 * 1024  # that are in memory at once
_EVENTS = 200  # of one transaction: others want to write, too
_EVERY = 2.0  # seconds between two looks for what waits, where nobody said that there is something
_GATHER = 0.25  # seconds that reports are given to come together: a transaction for each costs more than what is in it


@dataclass(slots=True)
class Processed:
    """What came of it: reports, how many of them are faulty, and what their events did."""

    reports: int = 0
    faulty: int = 0
    applied: Applied = field(default_factory=Applied)

    @property
    def any(self) -> bool:
        """Whether there was anything to do."""
        return self.reports > 0


def process(app: App, *, again: bool = False) -> Processed:
    """Read and apply every report that waits, or `again` those that were faulty; until nothing is left, or `stop` is set."""
    state, done, alarms, openers = ReportState.FAULTY if again else ReportState.WAITING, Processed(), Alarms(app), Openers(app)
    last = 0
    while not app.stop.is_set():
        with app.store.reading() as connection:
            found = reports.next_ones(connection, state, after=last, most=_REPORTS, most_bytes=_BYTES)
        if not found:
            break
        last = found[-1].id
        for step in steps([openers.open(report) for report in found], _EVENTS):
            if app.stop.is_set():
                break
            _take(app, state, step, done)
            alarms.look(done.applied.alarming)
    alarms.look(done.applied.alarming, at_once=True)
    _forget(app)
    return done


def processor(make: Callable[[], App], stop: threading.Event) -> Attendant:
    """Reads reports as they come."""

    def read(app: App) -> None:
        if any_waiting(app):
            process(app)

    return Attendant(read, make, stop, name="events", every=_EVERY, gather=_GATHER)


def any_waiting(app: App) -> bool:
    """Whether there is anything to do; reads only."""
    with app.store.reading() as connection:
        return reports.any_waiting(connection)


def _take(app: App, state: ReportState, step: Step, done: Processed) -> None:
    """Apply a step; where that fails for a reason of ours, each of its reports alone, and the one that it fails for is set aside."""
    try:
        _apply(app, state, step, done)
    except Unreachable:
        raise
    except Exception as error:
        if len(step.told_by) > 1:
            for alone in apart(step):
                _take(app, state, alone, done)
            return
        _log.error(
            "a report could not be applied: %s", type(error).__name__, action="report_not_applied", reports=sorted(step.told_by)
        )
        _set_aside(app, step, f"it could not be applied, {DEFECT.format(type(error).__name__)}")
        done.faulty += 1


def _apply(app: App, state: ReportState, step: Step, done: Processed) -> None:
    real = datetime.now(UTC)
    with app.store.writing() as connection:
        mine = reports.still(connection, state, step.told_by)
        events = step.events if mine == step.told_by else [event for event in step.events if event.report_id in mine]
        applied = apply(app, connection, events, step.provider)
        finished = [one for one in step.finished if one.report.id in mine]
        reports.finish(connection, ((one.report.id, account_of(one.read), one.reason) for one in finished), now=real)
    done.reports += len(finished)
    done.faulty += sum(one.reason is not None for one in finished)
    done.applied.add(applied)


def _set_aside(app: App, step: Step, reason: str) -> None:
    """Nothing of it is applied, and it is shown. What a part of it before has told stays told."""
    with app.store.writing() as connection:
        reports.finish(connection, ((report_id, {}, reason) for report_id in step.told_by), now=datetime.now(UTC))


def _forget(app: App) -> None:
    """Some at a time, and nothing is written where there are none: this is asked for often."""
    real, keep_for = datetime.now(UTC), app.settings.events.keep_reports
    while not app.stop.is_set():
        with app.store.reading() as connection:
            old = reports.old_ones(connection, now=real, keep_for=keep_for)
        if not old:
            return
        with app.store.writing() as connection:
            reports.forget(connection, old)

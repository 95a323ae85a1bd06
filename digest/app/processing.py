"""Processing: reports that were received are read, and what they tell is applied. In any order, any number of times.

Each step is one transaction: events are stored once by their key, and a report is finished in the transaction that applied the last
of it. So a process that is killed leaves nothing half done that is not done again, and of two at once each finds what the other one
has left.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from digest.app.hearing import halt_for
from digest.app.wiring import App
from digest.delivery import reports
from digest.delivery.event import Event
from digest.delivery.events import Applied, apply_events
from digest.delivery.providers.port import EventReader, EventsRead
from digest.delivery.providers.registry import find_event_reader, make_webhook
from digest.delivery.providers.webhook import Acting, Webhook
from digest.delivery.reading_reports import account_of, fault_of, of_report, read_report
from digest.delivery.reports import Report, ReportState
from digest.delivery.settling import conclude
from digest.errors import DigestError, Unreachable
from digest.issues.issue import issue_by_id

_log = logging.getLogger("digest.events")
_REPORTS, _BYTES = 200, 4 * 1024 * 1024  # that are in memory at once
_EVENTS = 200  # of one transaction: others want to write, too
_GATHER = 0.25  # seconds that reports are given to come together: a transaction for each costs more than what is in it
_EVERY = 2.0  # seconds between two looks for what waits, where nobody said that there is something
_DEFECT = "which is a defect of Digest ({}); please report it"
_ALARMS_EVERY = 10.0  # seconds: a look at the alarms reads a whole issue


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


@dataclass(frozen=True, slots=True)
class _Opened:
    """A report that was read, or why it could not be."""

    report: Report
    read: EventsRead
    reason: str | None


@dataclass(slots=True)
class _Step:
    """Events of one provider for one transaction, and the reports that are finished by it."""

    provider: str
    events: list[Event] = field(default_factory=list)
    finished: list[_Opened] = field(default_factory=list)
    told_by: set[int] = field(default_factory=set)


def process(app: App, *, again: bool = False) -> Processed:
    """Read and apply every report that waits, or `again` those that were faulty; until nothing is left, or `stop` is set."""
    state, done, alarms, openers = ReportState.FAULTY if again else ReportState.WAITING, Processed(), _Alarms(app), _Openers(app)
    last = 0
    while not app.stop.is_set():
        with app.store.reading() as connection:
            found = reports.next_ones(connection, state, after=last, most=_REPORTS, most_bytes=_BYTES)
        if not found:
            break
        last = found[-1].id
        for step in _steps([openers.open(report) for report in found]):
            if app.stop.is_set():
                break
            _take(app, state, step, done)
            alarms.look(done.applied.alarming)
    alarms.look(done.applied.alarming, at_once=True)
    _forget(app)
    return done


def any_waiting(app: App) -> bool:
    """Whether there is anything to do; reads only."""
    with app.store.reading() as connection:
        return reports.any_waiting(connection)


class _Openers:
    """What reads the reports of each provider, and does what they ask for beside that; found once."""

    def __init__(self, app: App) -> None:
        self._settings = app.settings
        self._known: dict[str, tuple[Webhook | None, EventReader]] = {}

    def open(self, report: Report) -> _Opened:
        """Read a report; whatever has to be done is done here, outside of every transaction."""
        nothing = EventsRead(())
        body = report.body or b""
        try:
            webhook, reader = self._of(report.provider)
            if isinstance(webhook, Acting) and webhook.act(body):
                return _Opened(report, nothing, None)
            read = read_report(body, reader)
        except (ValueError, DigestError) as error:
            return _Opened(report, nothing, str(error))
        except Exception as error:  # a defect of ours: the report stays, and those behind it go on
            return _Opened(report, nothing, f"it could not be read, {_DEFECT.format(type(error).__name__)}")
        return _Opened(report, read, fault_of(read))

    def _of(self, provider: str) -> tuple[Webhook | None, EventReader]:
        if provider not in self._known:
            self._known[provider] = (make_webhook(provider, self._settings), find_event_reader(provider))
        return self._known[provider]


def _steps(opened: Sequence[_Opened]) -> Iterator[_Step]:
    """Some reports together, up to so many events; of a large one the events are in several steps, and the last one finishes it."""
    step = _Step(opened[0].report.provider)
    for one in opened:
        events = of_report(one.read.events, one.report.id)
        for start in range(0, max(len(events), 1), _EVENTS):
            part = events[start : start + _EVENTS]
            if step.provider != one.report.provider or len(step.events) + len(part) > _EVENTS:
                yield step
                step = _Step(one.report.provider)
            step.events += part
            step.told_by.add(one.report.id)
        step.finished.append(one)
    yield step


def _take(app: App, state: ReportState, step: _Step, done: Processed) -> None:
    """Apply a step; where that fails for a reason of ours, each of its reports alone, and the one that it fails for is set aside."""
    try:
        _apply(app, state, step, done)
    except Unreachable:
        raise
    except Exception as error:
        if len(step.told_by) > 1:
            for alone in _apart(step):
                _take(app, state, alone, done)
            return
        _log.error("a report could not be applied: %s", type(error).__name__)
        _set_aside(app, step, f"it could not be applied, {_DEFECT.format(type(error).__name__)}")
        done.faulty += 1


def _apply(app: App, state: ReportState, step: _Step, done: Processed) -> None:
    real = datetime.now(UTC)
    with app.store.writing() as connection:
        mine = reports.still(connection, state, step.told_by)
        events = step.events if mine == step.told_by else [event for event in step.events if event.report_id in mine]
        applied = apply_events(connection, events, key=app.key, provider=step.provider, now=real)
        for issue_id in applied.changed:
            conclude(connection, issue_by_id(connection, issue_id), now=app.now)
        finished = [one for one in step.finished if one.report.id in mine]
        reports.finish(connection, ((one.report.id, account_of(one.read), one.reason) for one in finished), now=real)
    done.reports += len(finished)
    done.faulty += sum(one.reason is not None for one in finished)
    done.applied.add(applied)


def _apart(step: _Step) -> Iterator[_Step]:
    for report_id in sorted(step.told_by):
        finished = [one for one in step.finished if one.report.id == report_id]
        yield _Step(step.provider, [event for event in step.events if event.report_id == report_id], finished, {report_id})


def _set_aside(app: App, step: _Step, reason: str) -> None:
    """Nothing of it is applied, and it is shown. What a part of it before has told stays told."""
    with app.store.writing() as connection:
        reports.finish(connection, ((report_id, {}, reason) for report_id in step.told_by), now=datetime.now(UTC))


def _forget(app: App) -> None:
    while not app.stop.is_set():
        with app.store.writing() as connection:
            if not reports.forget_old(connection, now=datetime.now(UTC), keep_for=app.settings.events.keep_reports):
                return


class _Alarms:
    """Looks at the alarms of issues now and then, and not with every event: each look reads a whole issue."""

    def __init__(self, app: App) -> None:
        self._app, self._last = app, time.monotonic()

    def look(self, alarming: set[int], *, at_once: bool = False) -> None:
        """Look, when it is time; those that were looked at are taken out."""
        if alarming and (at_once or time.monotonic() - self._last > _ALARMS_EVERY):
            halt_for(self._app, sorted(alarming))
            alarming.clear()
            self._last = time.monotonic()


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

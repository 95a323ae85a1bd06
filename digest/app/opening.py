"""Opening reports: what each says, and in which steps that is applied."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from digest.app.wiring import App
from digest.delivery.event import Event
from digest.delivery.providers.port import EventReader, EventsRead
from digest.delivery.providers.registry import find_event_reader, make_webhook
from digest.delivery.providers.webhook import Acting, Webhook
from digest.delivery.reading_reports import fault_of, of_report, read_report
from digest.delivery.reports import Report
from digest.errors import DigestError, UsageError

DEFECT = "which is a defect of Digest ({}); please report it"
"""Why a report is set aside that we stumble over."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A report that was read, or why it could not be."""

    report: Report
    read: EventsRead
    reason: str | None


@dataclass(slots=True)
class Step:
    """Events of one provider for one transaction, and the reports that are finished by it."""

    provider: str
    events: list[Event] = field(default_factory=list)
    finished: list[Opened] = field(default_factory=list)
    told_by: set[int] = field(default_factory=set)


class Openers:
    """What reads the reports of each provider, and does what they ask for beside that; found once."""

    def __init__(self, app: App) -> None:
        self._settings = app.settings
        self._known: dict[str, tuple[Webhook | None, EventReader]] = {}

    def open(self, report: Report) -> Opened:
        """Read a report; whatever has to be done is done here, outside of every transaction."""
        nothing = EventsRead(())
        body = report.body or b""
        try:
            webhook, reader = self._of(report.provider)
            if isinstance(webhook, Acting) and webhook.act(body):
                return Opened(report, nothing, None)
            read = read_report(body, reader)
        except (ValueError, DigestError) as error:
            return Opened(report, nothing, str(error))
        except Exception as error:  # a defect of ours: the report stays, and those behind it go on
            return Opened(report, nothing, f"it could not be read, {DEFECT.format(type(error).__name__)}")
        return Opened(report, read, fault_of(read))

    def _of(self, provider: str) -> tuple[Webhook | None, EventReader]:
        if provider not in self._known:
            with suppress(UsageError):  # its key was put wrong since
                self._known[provider] = (make_webhook(provider, self._settings), find_event_reader(provider))
        return self._known.get(provider) or (None, find_event_reader(provider))


def steps(opened: Sequence[Opened], most: int) -> Iterator[Step]:
    """Some reports together, up to so many events; of a large one the events are in several steps, and the last one finishes it."""
    step = Step(opened[0].report.provider)
    for one in opened:
        events = of_report(one.read.events, one.report.id)
        for start in range(0, max(len(events), 1), most):
            part = events[start : start + most]
            if step.provider != one.report.provider or len(step.events) + len(part) > most:
                yield step
                step = Step(one.report.provider)
            step.events += part
            step.told_by.add(one.report.id)
        step.finished.append(one)
    yield step


def apart(step: Step) -> Iterator[Step]:
    """The same, a step for each report."""
    for report_id in sorted(step.told_by):
        finished = [one for one in step.finished if one.report.id == report_id]
        yield Step(step.provider, [event for event in step.events if event.report_id == report_id], finished, {report_id})

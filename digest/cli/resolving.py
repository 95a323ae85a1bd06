"""`digest issues resolve --events`: a provider's report from a file, and what came of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from digest.app import App
    from digest.delivery.events import Applied
    from digest.delivery.providers.port import EventsRead
    from digest.issues.issue import Issue


def resolve_by_events(app: App, issue: Issue, file: str, provider: str | None) -> tuple[dict[str, Any], list[str]]:
    """Apply the events of a file to one issue; what came of it as data and as lines."""
    from digest.app.hearing import hear, reporting_provider
    from digest.delivery.providers.registry import find_event_reader
    from digest.delivery.report_file import parse_report

    name = reporting_provider(app, issue, provider)
    reader = find_event_reader(name)
    read = reader(parse_report(_bytes(file), "standard input" if file == "-" else file))
    applied = hear(app, read, name, issue)
    return _data(read, applied), _lines(issue, read, applied)


def _bytes(file: str) -> bytes:
    from digest.errors import UsageError

    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise UsageError(f"--events: {file} cannot be read: {error.strerror}") from None


def _data(read: EventsRead, applied: Applied) -> dict[str, Any]:
    return {
        "new": applied.new,
        "repeated": applied.repeated,
        "of_other_issues": applied.elsewhere,
        "of_no_delivery": applied.strange,
        "ignored": read.ignored,
        "faults": list(read.faults),
        "moved": {state.value: count for state, count in applied.moved.items()},
        "suppressed": applied.suppressed,
        "unsubscribed": applied.ended,
    }


def _lines(issue: Issue, read: EventsRead, applied: Applied) -> list[str]:
    counted = (
        (applied.new, "new"),
        (applied.repeated, "known already"),
        (applied.elsewhere, "of other issues"),
        (applied.strange, "of no delivery of ours"),
        (read.ignored, "that say nothing of a delivery"),
    )
    said = ", ".join(f"{count:,} {words}" for count, words in counted if count)
    lines = [f"events: {said or 'none'}", *(f"!{fault}" for fault in read.faults)]
    lines += [f"{_deliveries(count)} now {state}" for state, count in applied.moved.items()]
    if not applied.moved:
        lines.append(f"nothing was resolved: these events change the state of no delivery of {issue.name}")
    if applied.suppressed:
        lines.append(f"{applied.suppressed:,} must not be mailed any more: they bounced, or complained")
    if applied.ended:
        lines.append(f"{applied.ended:,} unsubscribed")
    return lines


def _deliveries(count: int) -> str:
    return f"{count:,} {'delivery is' if count == 1 else 'deliveries are'}"

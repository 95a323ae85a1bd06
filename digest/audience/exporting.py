"""Exporting subscribers to a CSV file that can be imported again and is safe to open in a spreadsheet."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TextIO

from sqlalchemy import Connection

from digest.audience.cells import defuse
from digest.audience.csv_file import COLUMNS
from digest.audience.exporting_json import list_suppressions
from digest.audience.finding import Listed, list_subscribers
from digest.audience.subscription import SubscriptionState
from digest.audience.topics import ALL_TOPICS


@dataclass(frozen=True, slots=True)
class ExportReport:
    """How many were written, and how many were left out because they left, rest for a while, or must not be mailed."""

    exported: int
    unsubscribed: int
    paused: int
    suppressed: int


def export_csv(connection: Connection, newsletter: str, stream: TextIO) -> ExportReport:
    """Write a newsletter's subscribers, by address, with the header that an import reads (open files with `newline=""`).

    Who unsubscribed, is paused or must not be mailed is left out: the file has no word for that, and whoever imports it
    would mail them. All topics are an empty cell. Cells that a spreadsheet would run are defused, and an import restores them.
    """
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    exported = unsubscribed = paused = suppressed = 0
    for listed in list_subscribers(connection, newsletter):
        if listed.subscription.state is SubscriptionState.UNSUBSCRIBED:
            unsubscribed += 1
        elif listed.suppressed:
            suppressed += 1
        elif listed.subscription.state is SubscriptionState.PAUSED:
            paused += 1
        else:
            writer.writerow(map(defuse, _cells(listed)))
            exported += 1
    return ExportReport(exported, unsubscribed, paused, suppressed)


def export_suppressions(connection: Connection, stream: TextIO) -> int:
    """Write every address that must not be mailed, with scope, reason, source and time; return how many. Cells are defused."""
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(("email", "scope", "reason", "source", "created_at"))
    many = 0
    for row in list_suppressions(connection):
        writer.writerow(map(defuse, (*row[:4], row.created_at.isoformat())))
        many += 1
    return many


def _cells(listed: Listed) -> tuple[str, ...]:
    person, subscription = listed.subscriber, listed.subscription
    return (
        person.email,
        person.name or "",
        "" if subscription.topics == ALL_TOPICS else subscription.topics,
        subscription.frequency,
        person.timezone or "",
        person.language or "",
        "no" if subscription.state is SubscriptionState.PENDING else "yes",
    )

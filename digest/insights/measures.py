"""Measures: what an operator's instruments show of a project, as numbers with labels; read from the store, and naming nobody.

Times are real, as far as they are of leases, letters and reports; of slots and issues they are those of decisions, which differ by
`--now` alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, func, select

from digest.delivery.account import account
from digest.delivery.statements import stands
from digest.delivery.transitions import UNSENT, DeliveryState
from digest.issues.calendar import Slot
from digest.issues.issue import Issue, list_issues
from digest.issues.lifecycle import IssueState
from digest.store import tables

_S = IssueState
_NOT_BEGUN = {_S.DRAFT, _S.HELD, _S.APPROVED}
_UNDER_WAY = {_S.SENDING, _S.PAUSED}
_ANSWERS = (DeliveryState.ACCEPTED, DeliveryState.REJECTED, DeliveryState.DEFERRED, DeliveryState.UNKNOWN)

Labels = tuple[str, ...]
Counts = dict[Labels, float]


@dataclass(frozen=True, slots=True)
class Family:
    """One measure: its name without the prefix, what it is, what tells its values apart, and those."""

    name: str
    help: str
    labels: Labels
    values: Counts


@dataclass(slots=True)
class Memory:
    """What will not change any more, by issue: kept between two measurings of one process."""

    accounts: dict[int, tuple[datetime, Counts]] = field(default_factory=dict)
    answers: dict[int, tuple[datetime, Counts]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Slots:
    """Of a newsletter's frequency: the slot of which something may still be sent, and the next one."""

    newsletter: str
    frequency: str
    due: Slot | None
    coming: Slot | None


def measure(connection: Connection, slots: Iterable[Slots], now: datetime, memory: Memory) -> Iterator[Family]:
    """Everything that the store can tell. Of issues, those that are under way and the last of each newsletter that has ended."""
    issues = list_issues(connection)
    shown = list(_shown(issues))
    yield Family(
        "issues_waiting", "Issues that go on only when a person does something.", ("newsletter", "state"), _waiting(issues)
    )
    yield Family(
        "issue_deliveries",
        "Deliveries of an issue by state; their sum is its audience.",
        ("newsletter", "issue", "state"),
        _accounts(connection, shown, memory),
    )
    yield Family(
        "issue_answers",
        "Deliveries of an issue that were handed to a provider, by what it answered; one that was tried again counts again.",
        ("newsletter", "issue", "provider", "answer"),
        _answers(connection, shown, memory),
    )
    yield from _queue(connection, issues, now)
    yield from _slots(issues, slots, now)
    yield from _sources(connection)
    yield from _audience(connection)


def measure_waiting(connection: Connection, real: datetime) -> Iterator[Family]:
    """What waits for `digest serve` or a run, by real time: letters, reports, runs."""
    yield from _letters(connection, real)
    yield from _reports(connection, real)
    yield from _runs(connection)
    yield from _days(connection, real)


def _shown(issues: list[Issue]) -> Iterator[Issue]:
    ended: set[str] = set()
    for issue in issues:  # newest first
        if issue.planned_at is None:
            continue
        if issue.state in _UNDER_WAY:
            yield issue
        elif issue.newsletter not in ended:
            ended.add(issue.newsletter)
            yield issue


def _waiting(issues: list[Issue]) -> Counts:
    found: Counts = {}
    for issue in issues:
        if issue.state in {_S.HELD, _S.PAUSED}:
            key = (issue.newsletter, issue.state.value)
            found[key] = found.get(key, 0) + 1
    return found


def _accounts(connection: Connection, shown: list[Issue], memory: Memory) -> Counts:
    found: Counts = {}
    for issue in shown:
        counted = _remembered(memory.accounts, issue)
        if counted is None:
            counted = {(state,): float(count) for state, count in account(connection, issue).items()}
            if not counted[(DeliveryState.UNKNOWN.value,)]:  # which may be resolved long after
                _remember(memory.accounts, issue, counted)
        found |= {(issue.newsletter, str(issue.number), *labels): value for labels, value in counted.items()}
    return found


def _answers(connection: Connection, shown: list[Issue], memory: Memory) -> Counts:
    line, batch = tables.history.c, tables.batch.c
    found: Counts = {}
    for issue in shown:
        counted = _remembered(memory.answers, issue)
        if counted is None:
            query = (
                select(batch.provider, line.to_state, func.sum(line.count))
                .join(tables.batch, batch.id == line.batch_id)
                .where(line.issue_id == issue.id, line.to_state.in_([state.value for state in _ANSWERS]))
                .group_by(batch.provider, line.to_state)
            )
            counted = {(provider, state): float(count) for provider, state, count in connection.execute(query)}
            _remember(memory.answers, issue, counted)
        found |= {(issue.newsletter, str(issue.number), *labels): value for labels, value in counted.items()}
    return found


def _remembered(kept: dict[int, tuple[datetime, Counts]], issue: Issue) -> Counts | None:
    known = kept.get(issue.id)
    return known[1] if known is not None and known[0] == issue.finished_at else None


def _remember(kept: dict[int, tuple[datetime, Counts]], issue: Issue, counted: Counts) -> None:
    """Of an issue that has ended; one that goes on again ends at another time."""
    if issue.finished_at is not None:
        kept[issue.id] = (issue.finished_at, counted)


def _queue(connection: Connection, issues: list[Issue], now: datetime) -> Iterator[Family]:
    """By the small index of what is open, which names no issue that is at its end."""
    row = tables.delivery.c
    names = {issue.id: issue for issue in issues}
    waiting: Counts = {}
    oldest: Counts = {}
    for found in connection.execute(select(row.issue_id, func.count()).where(stands(*UNSENT)).group_by(row.issue_id)):
        issue = names[found.issue_id]
        key = (issue.newsletter,)
        waiting[key] = waiting.get(key, 0) + found[1]
        oldest[key] = max(oldest.get(key, 0), (now - (issue.planned_at or issue.frozen_at)).total_seconds())
    unknown: Counts = {}
    query = select(row.issue_id, func.count()).where(stands(DeliveryState.UNKNOWN)).group_by(row.issue_id)
    for found in connection.execute(query):
        key = (names[found.issue_id].newsletter,)
        unknown[key] = unknown.get(key, 0) + found[1]
    for newsletter in {issue.newsletter for issue in issues}:
        for counts in (waiting, oldest, unknown):
            counts.setdefault((newsletter,), 0)
    yield Family("queue_deliveries", "Deliveries that were planned and have no answer yet.", ("newsletter",), waiting)
    yield Family("queue_age_seconds", "How long the oldest issue with such deliveries is under way.", ("newsletter",), oldest)
    yield Family(
        "unknown_deliveries", "Deliveries of which nobody knows whether they arrived, of all issues.", ("newsletter",), unknown
    )


def _slots(issues: list[Issue], slots: Iterable[Slots], now: datetime) -> Iterator[Family]:
    coming: Counts = {}
    overdue: Counts = {}
    late: Counts = {}
    for one in slots:
        key = (one.newsletter, one.frequency)
        mine = [issue for issue in issues if (issue.newsletter, issue.frequency) == key]
        if one.coming is not None:
            coming[key] = one.coming.at.timestamp()
        overdue[key] = 0.0
        if one.due is not None:
            issue = next((found for found in mine if found.slot == one.due.name), None)
            if issue is None or issue.state in _NOT_BEGUN:
                overdue[key] = (now - one.due.at).total_seconds()
        begun = next((found for found in mine if found.planned_at is not None), None)
        if begun is not None and begun.planned_at is not None:
            late[key] = max(0.0, (begun.planned_at - begun.slot_at).total_seconds())
    labels = ("newsletter", "frequency")
    yield Family("slot_next_timestamp_seconds", "When the next slot is.", labels, coming)
    yield Family(
        "slot_overdue_seconds", "How long the slot that is due waits for its issue to go; 0: for nothing.", labels, overdue
    )
    yield Family("slot_lateness_seconds", "How long after its slot the last issue began to be sent.", labels, late)


def _sources(connection: Connection) -> Iterator[Family]:
    row = tables.source.c
    found = connection.execute(select(row.name, row.fetched_at, row.error)).all()
    failing: Counts = {(one.name,): float(one.error is not None) for one in found}
    read: Counts = {(one.name,): one.fetched_at.timestamp() for one in found if one.fetched_at is not None}
    yield Family("source_failing", "1: the source could not be read the last time.", ("source",), failing)
    yield Family("source_read_timestamp_seconds", "When the source was last read.", ("source",), read)


def _audience(connection: Connection) -> Iterator[Family]:
    row = tables.subscription.c
    by = (row.newsletter, row.frequency, row.state)
    found = connection.execute(select(*by, func.count()).group_by(*by))
    values: Counts = {(one.newsletter, one.frequency, one.state): float(one[3]) for one in found}
    yield Family("subscriptions", "Subscriptions by state.", ("newsletter", "frequency", "state"), values)


def _letters(connection: Connection, real: datetime) -> Iterator[Family]:
    row = tables.letter.c
    query = select(row.kind, func.count(), func.min(row.created_at)).where(row.state == "waiting").group_by(row.kind)
    found = connection.execute(query).all()
    waiting: Counts = {(one.kind.replace(" ", "_"),): float(one[1]) for one in found}
    oldest = min((one[2] for one in found), default=None)
    yield Family("letters_waiting", "Letters (confirmations and their like) that wait to be sent.", ("kind",), waiting)
    age = 0.0 if oldest is None else (real - oldest).total_seconds()
    yield Family("letters_age_seconds", "How long the oldest of them waits.", (), {(): age})


def _reports(connection: Connection, real: datetime) -> Iterator[Family]:
    row = tables.report.c
    query = select(row.provider, func.count(), func.min(row.received_at)).where(row.state == "waiting").group_by(row.provider)
    found = connection.execute(query).all()
    waiting: Counts = {(one.provider,): float(one[1]) for one in found}
    ages: Counts = {(one.provider,): (real - one[2]).total_seconds() for one in found}
    faulty = connection.execute(select(row.provider, func.count()).where(row.state == "faulty").group_by(row.provider))
    yield Family("reports_waiting", "Reports of providers that are not read yet: events are behind.", ("provider",), waiting)
    yield Family("reports_age_seconds", "How long the oldest of them waits.", ("provider",), ages)
    yield Family(
        "reports_faulty",
        "Reports that could not be read, and are kept for a person.",
        ("provider",),
        {(one.provider,): float(one[1]) for one in faulty},
    )


def _runs(connection: Connection) -> Iterator[Family]:
    row = tables.last_run.c
    found = connection.execute(select(row.began_at, row.ended_at, row.well, row.well_at)).one_or_none()
    ended: Counts = {} if found is None else {(): found.ended_at.timestamp()}
    well_at: Counts = {} if found is None or found.well_at is None else {(): found.well_at.timestamp()}
    took: Counts = {} if found is None else {(): (found.ended_at - found.began_at).total_seconds()}
    yield Family("run_last_timestamp_seconds", "When a run last ended.", (), ended)
    yield Family("run_last_success_timestamp_seconds", "When a run last ended that needs no person.", (), well_at)
    yield Family("run_last_duration_seconds", "How long the last run took.", (), took)


def _days(connection: Connection, real: datetime) -> Iterator[Family]:
    row = tables.provider_day.c
    found = connection.execute(select(row.provider, row.attempts).where(row.day == real.date().isoformat()))
    values: Counts = {(one.provider,): float(one.attempts) for one in found}
    yield Family("provider_attempts_today", "Attempts of today (UTC), where a provider's day is bounded.", ("provider",), values)

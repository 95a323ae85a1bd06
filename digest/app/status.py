"""Status: how a project stands just now, in one look: what comes, what is under way, what waits, and what wants a person."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import IntEnum

from sqlalchemy import Connection, func, select

from digest.app.fetching import current_sources
from digest.app.overseeing import Wanting, overview
from digest.app.wiring import App
from digest.delivery.account import account
from digest.delivery.halting import in_force
from digest.delivery.statements import stands
from digest.delivery.transitions import UNSENT, DeliveryState
from digest.errors import Unreachable
from digest.issues.issue import Issue, list_issues
from digest.issues.lifecycle import IssueState
from digest.store import tables

_S = IssueState
_OPEN = (_S.DRAFT, _S.HELD, _S.APPROVED, _S.SENDING, _S.PAUSED)
_MINUTE = timedelta(minutes=1)
_LONG = timedelta(minutes=15)  # for letters and reports, which `digest serve` takes within seconds


class Well(IntEnum):
    """How it is, as an exit code."""

    YES = 0
    IN_TROUBLE = 1
    WANTS_A_PERSON = 3


@dataclass(frozen=True, slots=True)
class Coming:
    """The next slot of a newsletter's frequency."""

    newsletter: str
    frequency: str
    when: str
    zone: str
    issue: str | None
    state: str | None
    articles: int | None
    subscribers: int | None


@dataclass(frozen=True, slots=True)
class Open:
    """An issue that is not at its end: its account without the states that nobody is in, and how many a second were answered in
    the last minute."""

    issue: str
    state: str
    reason: str | None
    audience: int | None
    account: dict[str, int]
    unsent: int
    a_second: float


@dataclass(frozen=True, slots=True)
class Read:
    """A source, and when it was read."""

    source: str
    read_at: datetime | None
    error: str | None


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits, since when, and how much of it could not be read."""

    waiting: int
    oldest: datetime | None
    faulty: int = 0


@dataclass(frozen=True, slots=True)
class Ran:
    """The last run."""

    began_at: datetime
    ended_at: datetime
    well: bool
    well_at: datetime | None


@dataclass(frozen=True, slots=True)
class Status:
    """All of it, at a time."""

    at: datetime
    coming: tuple[Coming, ...]
    open: tuple[Open, ...]
    sources: tuple[Read, ...]
    letters: Queue
    reports: Queue
    unknown: int
    halted: str | None
    unconfirmed: str | None
    last_run: Ran | None
    wanting: tuple[Wanting, ...]

    @property
    def well(self) -> Well:
        """The first that applies: a person is wanted, something is in trouble, nothing."""
        if self.halted or self.unconfirmed or any(one.state in {_S.HELD, _S.PAUSED} for one in self.open):
            return Well.WANTS_A_PERSON
        late = [one.oldest for one in (self.letters, self.reports) if one.oldest is not None and one.oldest < self.at - _LONG]
        if late or self.unknown or self.reports.faulty or any(one.error for one in self.sources):
            return Well.IN_TROUBLE
        return Well.YES


def status(app: App) -> Status:
    """As it stands now; reads only."""
    seen, real = overview(app), datetime.now(UTC)
    with app.store.reading() as connection:
        opened = tuple(_open(connection, one, real) for one in list_issues(connection) if one.state in _OPEN)
        halted = in_force(connection)
        return Status(
            real,
            tuple(
                Coming(
                    one.newsletter,
                    one.offered,
                    one.when,
                    one.zone,
                    None if one.issue is None else one.issue.name,
                    None if one.issue is None else one.issue.state.value,
                    one.articles,
                    one.subscribers,
                )
                for one in seen.coming
            ),
            opened,
            tuple(_sources(app, connection)),
            _letters(connection),
            _reports(connection),
            _unknown(connection),
            None if halted is None else halted.advice,
            _unconfirmed(app),
            _last_run(connection),
            seen.wanting,
        )


def _open(connection: Connection, issue: Issue, real: datetime) -> Open:
    stands = account(connection, issue)
    line = tables.history.c
    answered = select(func.coalesce(func.sum(line.count), 0)).where(
        line.issue_id == issue.id,
        line.at > real - _MINUTE,
        line.from_state == DeliveryState.CLAIMED.value,
        line.to_state != DeliveryState.PLANNED.value,
    )
    rate = connection.execute(answered).scalar_one() / _MINUTE.total_seconds() if issue.state is _S.SENDING else 0.0
    return Open(
        issue.name,
        issue.state.value,
        issue.reason,
        issue.audience,
        {state: count for state, count in stands.items() if count},
        sum(stands[state.value] for state in UNSENT),
        round(float(rate), 1),
    )


def _sources(app: App, connection: Connection) -> Iterator[Read]:
    row = tables.source.c
    found = {one.name: one for one in connection.execute(select(row.name, row.fetched_at, row.error))}
    for source in current_sources(app):
        one = found.get(source.name)
        yield Read(source.name, None if one is None else one.fetched_at, None if one is None else one.error)


def _letters(connection: Connection) -> Queue:
    row = tables.letter.c
    many, oldest = connection.execute(select(func.count(), func.min(row.created_at)).where(row.state == "waiting")).one()
    return Queue(many, oldest)


def _reports(connection: Connection) -> Queue:
    row = tables.report.c
    many, oldest = connection.execute(select(func.count(), func.min(row.received_at)).where(row.state == "waiting")).one()
    faulty = connection.execute(select(func.count()).where(row.state == "faulty")).scalar_one()
    return Queue(many, oldest, faulty)


def _unknown(connection: Connection) -> int:
    unknown = select(func.count()).select_from(tables.delivery).where(stands(DeliveryState.UNKNOWN))
    return int(connection.execute(unknown).scalar_one())


def _last_run(connection: Connection) -> Ran | None:
    row = tables.last_run.c
    found = connection.execute(select(row.began_at, row.ended_at, row.well, row.well_at)).one_or_none()
    return None if found is None else Ran(*found)


def _unconfirmed(app: App) -> str | None:
    try:
        return app.epoch.obstacle()
    except Unreachable as error:
        return str(error)

"""Alarms: what must stop all sending, and what a person should be told. Pure rules over counted figures.

A rate says nothing while only one or two have complained or bounced, so those never stop anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, Connection, and_, bindparam, exists, func, or_, select

from digest.delivery.account import account
from digest.delivery.event import HARD, Kind
from digest.delivery.ledger import NOT_HANDED_OVER
from digest.delivery.resolving import BY_KEY, BY_SILENCE
from digest.delivery.transitions import DeliveryState
from digest.issues.issue import Issue
from digest.issues.topics import SILENT_FOR
from digest.store import tables

FIRST = 1000
MOST_HARD_BOUNCES = 0.05
MOST_COMPLAINTS = 0.003
MOST_HEARD = 1.05
_SAYS_NOTHING = 2
_S = DeliveryState
_row, _event, _line, _issue = tables.delivery.c, tables.event.c, tables.history.c, tables.issue.c


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm that rings: its name, whether all sending stops, and what is said."""

    name: str
    halts: bool
    said: str

    def __str__(self) -> str:
        return f"{self.name}: {self.said}"


@dataclass(frozen=True, slots=True)
class Figures:
    """What the alarms of one issue go by. `first` is how many of the first thousand were accepted so far.

    `last_accepted` is of the issue before, None where there is none or this one is not at its end; `bound` is how many may be
    unknown at once. `uncovered` is what the coverage audit found.
    """

    audience: int
    heard: int
    twice: int
    first: int
    hard_bounces: int
    complaints: int
    accepted: int
    last_accepted: int | None
    unknown: int
    bound: int
    missed_slots: tuple[str, ...] = ()
    silent_topics: tuple[str, ...] = ()
    uncovered: tuple[str, ...] = ()


def ringing(figures: Figures) -> tuple[Alarm, ...]:
    """Every alarm that rings."""
    return (*_halting(figures), *_telling(figures))


def _halting(figures: Figures) -> Iterator[Alarm]:
    if figures.twice:
        said = f"{figures.twice:,} got this issue twice, by two attempts of which none was a resend that somebody asked for"
        yield Alarm("delivered twice", True, said)
    if figures.heard > MOST_HEARD * figures.audience:
        said = f"the provider reports of {figures.heard:,} readers, and the audience is {figures.audience:,}"
        yield Alarm("too many readers", True, said)
    if _too_many(figures.hard_bounces, figures.first, MOST_HARD_BOUNCES):
        said = f"{figures.hard_bounces:,} of the first {figures.first:,} do not exist; the bound is {MOST_HARD_BOUNCES:.0%}"
        yield Alarm("hard bounces", True, said)
    if _too_many(figures.complaints, figures.first, MOST_COMPLAINTS):
        said = f"{figures.complaints:,} of the first {figures.first:,} call it spam; the bound is {MOST_COMPLAINTS:.1%}"
        yield Alarm("complaints", True, said)


def _telling(figures: Figures) -> Iterator[Alarm]:
    last = figures.last_accepted
    if last is not None and 2 * figures.accepted < last:
        yield Alarm("unusually few", False, f"{figures.accepted:,} accepted, and {last:,} of the issue before")
    if figures.unknown > figures.bound:
        said = f"{figures.unknown:,} are unknown, and a crash explains no more than {figures.bound:,}"
        yield Alarm("many unknown", False, said)
    if figures.missed_slots:
        said = f"{len(figures.missed_slots)} since the issue before, the last of {figures.missed_slots[-1]}"
        yield Alarm("missed slots", False, said)
    if figures.silent_topics:
        yield Alarm("silent topics", False, f"nothing arrived for {', '.join(figures.silent_topics)} in {SILENT_FOR} issues")
    if figures.uncovered:
        said = f"{'; '.join(figures.uncovered)}: this is a defect, please report it"
        yield Alarm("coverage", False, said)


def _too_many(count: int, of: int, bound: float) -> bool:
    return count > _SAYS_NOTHING and count > bound * of


def count_figures(connection: Connection, issue: Issue, *, bound: int, counted: Mapping[str, int] | None = None) -> Figures:
    """Count what the alarms of one issue go by; reads all of its deliveries and events. What others look at is left quiet.

    `counted` is its account, for who has it already.
    """
    states = counted or account(connection, issue)
    figures = Figures(
        audience=issue.audience or 0,
        heard=0,
        twice=0,
        first=0,
        hard_bounces=0,
        complaints=0,
        accepted=states.get(_S.ACCEPTED.value, 0),
        last_accepted=_last_accepted(connection, issue),
        unknown=states.get(_S.UNKNOWN.value, 0),
        bound=bound,
    )
    return figures if connection.execute(_ANY, {"issue": issue.id}).first() is None else _with_events(connection, issue, figures)


_ANY = select(_event.id).where(_event.issue_id == bindparam("issue")).limit(1)


def _with_events(connection: Connection, issue: Issue, figures: Figures) -> Figures:
    ours = (_row.issue_id == issue.id, _row.state == _S.ACCEPTED.value)
    first = select(_row.subscriber_id).where(*ours).order_by(_row.batch_id, _row.subscriber_id).limit(FIRST).subquery()
    told = (_event.issue_id == issue.id, _event.subscriber_id.in_(select(first.c.subscriber_id)))
    readers = func.count(_event.subscriber_id.distinct())
    return replace(
        figures,
        heard=connection.execute(select(readers).where(_event.issue_id == issue.id)).scalar_one(),
        twice=_twice(connection, issue.id),
        first=connection.execute(select(func.count()).select_from(first)).scalar_one(),
        hard_bounces=connection.execute(select(readers).where(*told, _is_hard())).scalar_one(),
        complaints=connection.execute(select(readers).where(*told, _event.kind == Kind.COMPLAINED.value)).scalar_one(),
    )


def _is_hard() -> ColumnElement[bool]:
    """A reason begins with its cause, and the provider's words follow."""
    causes = (or_(_event.reason == cause.value, _event.reason.startswith(f"{cause.value}: ")) for cause in HARD)
    return and_(_event.kind == Kind.BOUNCED.value, or_(*causes))


def _twice(connection: Connection, issue_id: int) -> int:
    """How many have two delivered events of different attempts, and no line of a person who had it sent again."""
    ours = (_event.issue_id == issue_id, _event.kind == Kind.DELIVERED.value, _event.attempt > 0)
    twice = select(_event.subscriber_id).where(*ours).group_by(_event.subscriber_id)
    doubled = twice.having(func.count(_event.attempt.distinct()) > 1).subquery()
    resent = exists().where(
        _line.issue_id == issue_id,
        _line.subscriber_id == doubled.c.subscriber_id,
        _line.from_state == _S.UNKNOWN.value,
        _line.to_state == _S.PLANNED.value,
        _line.reason.not_in((BY_KEY, BY_SILENCE, NOT_HANDED_OVER)),
    )
    return connection.execute(select(func.count()).select_from(doubled).where(~resent)).scalar_one()


def _last_accepted(connection: Connection, issue: Issue) -> int | None:
    """How many the issue before reached, once this one is at its end."""
    if issue.settled_at is None or issue.outside:
        return None
    before = (_issue.newsletter == issue.newsletter, _issue.frequency == issue.frequency, _issue.number < issue.number)
    last = select(_issue.id).where(*before, _issue.state == "sent").order_by(_issue.number.desc()).limit(1)
    found = connection.execute(last).scalar_one_or_none()
    if found is None:
        return None
    accepted = (_row.issue_id == found, _row.state == _S.ACCEPTED.value)
    return connection.execute(select(func.count()).where(*accepted)).scalar_one()

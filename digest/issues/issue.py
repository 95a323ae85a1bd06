"""An issue: one dated instance of a newsletter, numbered, frozen, sent once."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select

from digest.errors import UsageError
from digest.issues.frozen import Frozen
from digest.issues.lifecycle import IssueState
from digest.issues.outside import CORRECTION, OUTSIDE
from digest.rendering.blocks import Blocks
from digest.store import tables


@dataclass(frozen=True, slots=True)
class Issue:
    """A row of the issue table. `slot` is the local time that names it, `slot_at` the instant it stands for; `send_at` when it goes out
    where that is another time, and `corrects` the row of the issue that it corrects."""

    id: int
    newsletter: str
    number: int
    frequency: str
    slot: str
    slot_at: datetime
    state: IssueState
    reason: str | None
    cutoff: int
    frozen_at: datetime
    revision: int
    subject: str
    content_hash: str
    approved_hash: str | None
    approved_by: str | None
    approved_at: datetime | None
    audience: int | None
    paused_readers: int | None
    audience_confirmed: int | None
    sub_revision: int
    canary_until: datetime | None
    planned_at: datetime | None
    settled_at: datetime | None
    finished_at: datetime | None
    send_at: datetime | None = None
    corrects: int | None = None

    @property
    def name(self) -> str:
        """Such as `weekly/12`."""
        return f"{self.newsletter}/{self.number}"

    @property
    def due_at(self) -> datetime:
        """When it goes out: at its slot, unless a person has said another time."""
        return self.send_at or self.slot_at

    @property
    def outside(self) -> bool:
        """Whether it belongs to no slot of a schedule: a special issue, or a correction."""
        return self.frequency in OUTSIDE

    @property
    def is_correction(self) -> bool:
        """Whether it says a text alone, to those who were sent another issue."""
        return self.frequency == CORRECTION

    @property
    def rendered(self) -> bool:
        """Whether its blocks exist; they do not when its template was broken at the freeze."""
        return bool(self.content_hash)

    def to_json(self) -> dict[str, Any]:
        """As reports say it: by its name, and without the row's id."""
        rest = {name: getattr(self, name) for name in type(self).__slots__ if name not in {"id", "state", "corrects"}}
        return {"issue": self.name, "state": self.state.value, **rest}


_COLUMNS = [tables.issue.c[name] for name in Issue.__slots__]


def find_issue(connection: Connection, name: str) -> Issue:
    """The issue called `NEWSLETTER/NUMBER`."""
    match = re.fullmatch(r"([a-z0-9-]+)/(\d{1,9})", name)
    if match is None:
        raise UsageError(f"{name!r} does not name an issue: write NEWSLETTER/NUMBER, such as weekly/12")
    row = connection.execute(
        select(*_COLUMNS).where(tables.issue.c.newsletter == match[1], tables.issue.c.number == int(match[2]))
    ).one_or_none()
    if row is None:
        raise UsageError(f"there is no issue {name}; `digest issues list` shows those there are")
    return _issue(row)


def issue_by_id(connection: Connection, issue_id: int) -> Issue:
    """The issue with a row id that is known to exist."""
    return _issue(connection.execute(select(*_COLUMNS).where(tables.issue.c.id == issue_id)).one())


def issue_if_there(connection: Connection, issue_id: int) -> Issue | None:
    """The issue with a row id that somebody remembers; None where this database has none, as after a restore."""
    row = connection.execute(select(*_COLUMNS).where(tables.issue.c.id == issue_id)).one_or_none()
    return None if row is None else _issue(row)


def list_issues(connection: Connection, newsletter: str | None = None) -> list[Issue]:
    """Every issue, newest first."""
    query = select(*_COLUMNS).order_by(tables.issue.c.frozen_at.desc(), tables.issue.c.id.desc())
    if newsletter is not None:
        query = query.where(tables.issue.c.newsletter == newsletter)
    return [_issue(row) for row in connection.execute(query)]


def latest_issues(connection: Connection, newsletter: str, states: Collection[IssueState], most: int) -> list[Issue]:
    """The last issues of a newsletter that are in some states, newest first."""
    row = tables.issue.c
    which = (row.newsletter == newsletter, row.state.in_([state.value for state in states]))
    return [
        _issue(found) for found in connection.execute(select(*_COLUMNS).where(*which).order_by(row.number.desc()).limit(most))
    ]


def issues_in(connection: Connection, states: Collection[IssueState]) -> list[Issue]:
    """Every issue that is in some states, newest first."""
    row = tables.issue.c
    which = row.state.in_([state.value for state in states])
    return [_issue(found) for found in connection.execute(select(*_COLUMNS).where(which).order_by(row.id.desc()))]


def issue_of_slot(connection: Connection, newsletter: str, frequency: str, slot: str) -> Issue | None:
    """The issue of one slot, if it was made."""
    issue = tables.issue.c
    where = (issue.newsletter == newsletter, issue.frequency == frequency, issue.slot == slot)
    row = connection.execute(select(*_COLUMNS).where(*where)).one_or_none()
    return None if row is None else _issue(row)


def any_planned_after(connection: Connection, newsletter: str, frequency: str, slot: str) -> bool:
    """Whether the issue of a later slot has been planned."""
    row = tables.issue.c
    where = (row.newsletter == newsletter, row.frequency == frequency, row.slot > slot, row.planned_at.is_not(None))
    return connection.execute(select(row.id).where(*where).limit(1)).first() is not None


def next_said(connection: Connection, after: datetime) -> datetime | None:
    """The first of the later times at which a person has said that an issue goes out."""
    row = tables.issue.c
    waits = row.state.in_([state.value for state in (IssueState.DRAFT, IssueState.HELD, IssueState.APPROVED)])
    found: datetime | None = connection.execute(select(func.min(row.send_at)).where(row.send_at > after, waits)).scalar()
    return found


def frozen_of(connection: Connection, issue: Issue) -> Frozen:
    """What was frozen of an issue."""
    kept = tables.issue_content.c
    return Frozen.from_json(connection.execute(select(kept.content).where(kept.issue_id == issue.id)).scalar_one())


def blocks_of(connection: Connection, issue: Issue, language: str) -> Blocks:
    """The rendered blocks of an issue in one language."""
    where = (tables.issue_blocks.c.issue_id == issue.id, tables.issue_blocks.c.language == language)
    return Blocks.from_bytes(connection.execute(select(tables.issue_blocks.c.blocks).where(*where)).scalar_one())


def _issue(row: Row[Any]) -> Issue:
    values = row._asdict()
    return Issue(**(values | {"state": IssueState(values["state"])}))

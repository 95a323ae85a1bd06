"""Reports as providers posted them: kept to the byte before they are answered, read afterwards, forgotten after a while.

One that could not be read stays, with its reason; so does the provider's own word for what Digest has no word for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, delete, exists, func, literal_column, select, true, update

from digest.audience.dialects import among, insert_all, insert_missing
from digest.store import tables
from digest.store.tables import instant_text

_row = tables.report.c
_AT_ONCE = 500
FAULTY_TIMES = 10
"""So many times as long as others a report is kept that could not be read."""


class ReportState(StrEnum):
    """Where a report stands."""

    WAITING = "waiting"
    READ = "read"
    FAULTY = "faulty"  # in whole, or some of its entries


@dataclass(frozen=True, slots=True)
class NewReport:
    """What was posted, and what tells it from every other."""

    provider: str
    received_at: datetime
    identity: bytes
    body: bytes


@dataclass(frozen=True, slots=True)
class Report:
    """One that is kept. `account` counts its entries and names kinds that are not known; `body` is None once it is forgotten."""

    id: int
    provider: str
    received_at: datetime
    state: ReportState
    body: bytes | None
    read_at: datetime | None = None
    reason: str | None = None
    account: Mapping[str, Any] | None = None


_FINISHED = (
    update(tables.report)
    .where(_row.id == bindparam("which"))
    .values({name: bindparam(name) for name in ("state", "read_at", "account", "reason", "unknown")})
)


def keep(connection: Connection, new: Sequence[NewReport]) -> None:
    """Store reports that wait; one that is there already stays as it is."""
    rows = [
        {
            "provider": one.provider,
            "received_at": instant_text(one.received_at),
            "fingerprint": hashlib.sha256(one.identity).hexdigest(),
            "body": one.body,
            "state": ReportState.WAITING.value,
        }
        for one in new
    ]
    insert_all(connection, insert_missing(connection, tables.report), rows)


def any_waiting(connection: Connection) -> bool:
    """Whether there is one to be read."""
    return bool(connection.execute(select(exists().where(_is(ReportState.WAITING)))).scalar_one())


def any_unread(connection: Connection, *, since: datetime) -> bool:
    """Whether something that was reported is not known here: it waits, or it came since then and could not be read whole."""
    faulty = exists().where(_is(ReportState.FAULTY), _row.received_at >= since)
    return any_waiting(connection) or bool(connection.execute(select(faulty)).scalar_one())


def next_ones(connection: Connection, state: ReportState, *, after: int, most: int, most_bytes: int) -> list[Report]:
    """The oldest after one of them, in their order: at most so many, and so many bytes, but for the first."""
    sizes = select(_row.id, func.length(_row.body)).where(_is(state), _row.id > after, _row.body.is_not(None))
    chosen: list[int] = []
    total = 0
    for report_id, size in connection.execute(sizes.order_by(_row.id).limit(most)):
        total += size
        if chosen and total > most_bytes:
            break
        chosen.append(report_id)
    found = select(_row.id, _row.provider, _row.received_at, _row.body).where(among(connection, _row.id, chosen))
    rows = connection.execute(found.order_by(_row.id)).all() if chosen else []
    return [Report(row.id, row.provider, row.received_at, state, row.body) for row in rows]


def still(connection: Connection, state: ReportState, ids: Collection[int]) -> set[int]:
    """Those of some reports that nobody else has dealt with meanwhile."""
    query = select(_row.id).where(among(connection, _row.id, list(ids)), _row.state == state.value)
    return set(connection.execute(query).scalars())


def finish(connection: Connection, finished: Iterable[tuple[int, Mapping[str, Any], str | None]], *, now: datetime) -> None:
    """Write down what some reports came to: of each its account, and why it is faulty, where it is."""
    rows = [
        {
            "which": report_id,
            "state": (ReportState.READ if reason is None else ReportState.FAULTY).value,
            "read_at": now,
            "account": dict(account),
            "reason": reason,
            "unknown": bool(account.get("unknown")),
        }
        for report_id, account, reason in finished
    ]
    if rows:
        connection.execute(_FINISHED, rows)


def count(connection: Connection) -> dict[ReportState, int]:
    """How many there are in each state, zeros too."""
    found = connection.execute(select(_row.state, func.count()).group_by(_row.state))
    counted = {row.state: row[1] for row in found}
    return {state: counted.get(state.value, 0) for state in ReportState}


def oldest_waiting(connection: Connection) -> datetime | None:
    """Since when the oldest one waits."""
    oldest = select(_row.received_at).where(_is(ReportState.WAITING)).order_by(_row.id).limit(1)
    found: datetime | None = connection.execute(oldest).scalar_one_or_none()
    return found


def newest(connection: Connection, states: Iterable[ReportState], most: int) -> list[Report]:
    """The newest reports in some states, without their bodies."""
    columns = [_row[name] for name in ("id", "provider", "received_at", "state", "read_at", "reason", "account")]
    wanted = select(*columns).where(_row.state.in_([state.value for state in states])).order_by(_row.id.desc()).limit(most)
    return [
        Report(row.id, row.provider, row.received_at, ReportState(row.state), None, row.read_at, row.reason, row.account)
        for row in connection.execute(wanted)
    ]


def unknown_kinds(connection: Connection) -> dict[str, list[str]]:
    """The providers' own words for what Digest has no word for, of the reports that are kept and name some."""
    named = select(_row.provider, _row.account).where(_row.unknown.is_(true())).order_by(_row.id.desc()).limit(_AT_ONCE)
    found: dict[str, set[str]] = {}
    for provider, account in connection.execute(named):
        found.setdefault(provider, set()).update(account["unknown"])
    return {provider: sorted(kinds) for provider, kinds in sorted(found.items())}


def find(connection: Connection, report_id: int) -> Report | None:
    """One report, with its body."""
    row = connection.execute(select(tables.report).where(_row.id == report_id)).first()
    if row is None:
        return None
    return Report(row.id, row.provider, row.received_at, ReportState(row.state), row.body, row.read_at, row.reason, row.account)


def old_ones(connection: Connection, *, now: datetime, keep_for: timedelta) -> list[int]:
    """Some of the reports whose time is over; none of those that wait."""
    read, faulty = _row.state == ReportState.READ.value, _row.state == ReportState.FAULTY.value
    old = select(_row.id).where(_row.received_at < now - keep_for, read).limit(_AT_ONCE)
    older = select(_row.id).where(_row.received_at < now - FAULTY_TIMES * keep_for, faulty).limit(_AT_ONCE)
    return [report_id for which in (old, older) for report_id in connection.execute(which).scalars()]


def forget(connection: Connection, ids: Collection[int]) -> None:
    """Take some reports out."""
    connection.execute(delete(tables.report).where(among(connection, _row.id, list(ids))))


def forget_of(connection: Connection, subscriber_id: int) -> None:
    """Forget the words of reports that told of a person, once they are read: they hold the address."""
    event = tables.event.c
    told = select(event.report_id).where(event.issue_id.in_(select(tables.issue.c.id)), event.subscriber_id == subscriber_id)
    done = _row.state != ReportState.WAITING.value
    connection.execute(update(tables.report).where(_row.id.in_(told), done).values(body=None))


def _is(state: ReportState) -> ColumnElement[bool]:
    """By a literal, so that SQLite uses the index of those few."""
    return _row.state == literal_column(f"'{state.value}'")

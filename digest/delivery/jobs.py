"""Jobs: hints for workers that something of an issue waits. The ledger alone decides what that is.

A job names an issue and nothing else, and is worth as many deliveries as one claim takes. So one that runs twice, late or for
nothing does no harm, and one that is lost is made anew by whoever looks after the issue (`top_up`).
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from functools import cache
from typing import Any
from zlib import crc32

from sqlalchemy import ColumnElement, Connection, exists, func, select, text, true

from digest.delivery.account import next_retry
from digest.delivery.statements import stands
from digest.delivery.transitions import UNSENT, DeliveryState
from digest.store import tables
from digest.store.queue import at_its_tables

TASK = "send_batch"
QUEUE = "digest"
HEARTBEAT_SECONDS = 5.0  # between two signs of life of a worker
DEAD_SECONDS = 20.0  # without one, what it had in hand is given to another
_AT_ONCE = 5000
_OWNERS = 0x776F726B  # "work": the class of the locks by which it is known who lives
_PREFIX = "worker "
_DEAD = {"seconds": DEAD_SECONDS}
_row, _batch = tables.delivery.c, tables.batch.c

_LEFT = text(
    "SELECT count(*) FILTER (WHERE status = 'todo'), count(*) FILTER (WHERE status = 'doing')"
    " FROM procrastinate_jobs WHERE (args->>'issue')::int = :issue"
)
_DROP = text("DELETE FROM procrastinate_jobs WHERE status = 'todo' AND (args->>'issue')::int = :issue")
# What dead workers had in hand waits again: their registration is gone, or has shown no sign of life.
_STALLED_ONES = (
    " FROM procrastinate_jobs AS job LEFT JOIN procrastinate_workers AS worker ON worker.id = job.worker_id"
    " WHERE job.status = 'doing' AND (worker.id IS NULL OR worker.last_heartbeat < now() - make_interval(secs => :seconds))"
)
_REQUEUE = text("SELECT procrastinate_retry_job_v2(job.id, now(), NULL, NULL, NULL)" + _STALLED_ONES)
_ALIVE = text("SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat >= now() - make_interval(secs => :seconds)")
_LOCKED = text(
    "SELECT objid::bigint FROM pg_locks WHERE locktype = 'advisory' AND classid::bigint = :owners AND objsubid = 2 AND granted"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)


def top_up(connection: Connection, issue_id: int, size: int, *, below: int | None = None) -> int:
    """Where an issue has no job, as many as what is planned of it needs, each worth `size` deliveries; returns how many. What may
    leave already are the renditions `below`, or all.

    In the caller's transaction: the jobs are there when what they are for is, or neither.
    """
    if _any_left(connection, issue_id):
        return 0
    planned = select(func.count()).where(_row.issue_id == issue_id, stands(DeliveryState.PLANNED), _may_leave(below))
    many = -(-int(connection.execute(planned).scalar_one()) // size)
    hint(connection, issue_id, many)
    return many


def hint(connection: Connection, issue_id: int, many: int = 1) -> None:
    """So many jobs for an issue, in the caller's transaction."""
    with at_its_tables(connection) as driver:
        for begin in range(0, many, _AT_ONCE):
            deferrer = _app().configure_task(TASK, queue=QUEUE, connection=driver)
            deferrer.batch_defer(*({"issue": issue_id} for _ in range(min(_AT_ONCE, many - begin))))


def any_open(connection: Connection, issue_id: int) -> bool:
    """Whether something may still happen to a delivery of an issue by itself."""
    return any(_any(connection, issue_id, state) for state in UNSENT)


def anything_to_do(connection: Connection, issue_id: int, own: str, now: datetime, *, below: int | None = None) -> bool:
    """Whether an issue that workers send wants looking after: something died, has come due, or has no job."""
    late = exists().where(_batch.issue_id == issue_id, _batch.finished_at.is_(None), _batch.lease_until <= now)
    if connection.execute(select(late)).scalar_one() or ended(connection, issue_id, own):
        return True
    due = next_retry(connection, issue_id)
    if due is not None and due <= now:
        return True
    return not _any_left(connection, issue_id) and _any(connection, issue_id, DeliveryState.PLANNED, below)


def _any_left(connection: Connection, issue_id: int) -> bool:
    """Whether a job of an issue waits, or is in hand of somebody who has claimed something for it.

    Who has a job and lives claims at once. So where nobody has, those in hand are dead workers', and long before these have
    missed enough signs of life others need not wait for it: a job too many claims nothing.
    """
    with at_its_tables(connection):
        waiting, in_hand = connection.execute(_LEFT, {"issue": issue_id}).one()
    return bool(waiting or (in_hand and any_at_work(connection, issue_id)))


def drop(connection: Connection, issue_id: int) -> None:
    """Nothing of an issue waits any more: take back what nobody has taken."""
    with at_its_tables(connection):
        connection.execute(_DROP, {"issue": issue_id})


def requeue(connection: Connection) -> int:
    """What dead workers had in hand waits for another; returns how many jobs."""
    with at_its_tables(connection):
        return len(connection.execute(_REQUEUE, _DEAD).all())


def workers(connection: Connection) -> int:
    """How many workers are at work, as far as their signs of life tell."""
    with at_its_tables(connection):
        return int(connection.execute(_ALIVE, _DEAD).scalar_one())


def owner_name(process: str) -> str:
    """What a worker's session is called in the ledger: by that it is known that a lock tells whether it lives."""
    return f"{_PREFIX}{process}"


def show_alive(connection: Connection, owner: str) -> None:
    """For as long as this database session lasts, `owner` is alive: the server lets go of it when the process dies."""
    connection.execute(
        text("SELECT pg_advisory_lock(:owners, :owner)"), {"owners": _OWNERS, "owner": _signed(crc32(owner.encode()))}
    )


def ended(connection: Connection, issue_id: int, own: str) -> Collection[str]:
    """Owners of an issue's open batches that are surely dead, or have lost their database: every later step of theirs fails."""
    return [one for one, alive in _owners(connection, issue_id).items() if not alive and one != own]


def any_at_work(connection: Connection, issue_id: int) -> bool:
    """Whether a worker lives that has claimed something of an issue: who is no worker must not take it for dead."""
    return any(_owners(connection, issue_id).values())


def _owners(connection: Connection, issue_id: int) -> dict[str, bool]:
    """The workers that own open batches of an issue, and whether each lives: in a copy that is no PostgreSQL none does."""
    open_ones = select(_batch.owner).where(_batch.issue_id == issue_id, _batch.finished_at.is_(None)).distinct()
    owners = [one for one in connection.execute(open_ones).scalars() if one.startswith(_PREFIX)]
    if not owners or connection.dialect.name != "postgresql":
        return dict.fromkeys(owners, False)
    alive = set(connection.execute(_LOCKED, {"owners": _OWNERS}).scalars())
    return {one: crc32(one.encode()) in alive for one in owners}


def _may_leave(below: int | None) -> ColumnElement[bool]:
    return true() if below is None else _row.rendition < below


def _any(connection: Connection, issue_id: int, state: DeliveryState, below: int | None = None) -> bool:
    some = select(_row.subscriber_id).where(_row.issue_id == issue_id, stands(state), _may_leave(below)).limit(1)
    return connection.execute(some).first() is not None


def _signed(number: int) -> int:
    return number - (1 << 32) if number >= 1 << 31 else number


@cache
def _app() -> Any:
    """An application of procrastinate that only writes jobs, on connections that it is given."""
    import procrastinate

    return procrastinate.App(connector=procrastinate.SyncPsycopgConnector())

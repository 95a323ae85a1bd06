"""Batches: one claim each of deliveries of one rendition by one process, and how they are closed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, Select, func, select, update

from digest.delivery.history import note
from digest.delivery.transitions import DeliveryState
from digest.store import tables

_row, _batch = tables.delivery.c, tables.batch.c
_SUB_REVISION = "sub-revision "


def close_batch(connection: Connection, issue_id: int, batch: int, *, now: datetime, actor: str) -> None:
    """Nothing of a batch is under way any more: what of it was accepted goes into the history as one line, once."""
    unfinished = (_batch.id == batch, _batch.finished_at.is_(None))
    if connection.execute(update(tables.batch).where(*unfinished).values(finished_at=now)).rowcount:
        accepted = select(func.count()).where(
            _row.issue_id == issue_id,
            _row.batch_id == batch,
            _row.state == DeliveryState.ACCEPTED.value,
            _row.subscriber_id.not_in(_told(issue_id)),
        )
        count = connection.execute(accepted).scalar_one()
        to = DeliveryState.ACCEPTED
        note(connection, issue_id, DeliveryState.CLAIMED, to, now=now, actor=actor, count=count, batch=batch)


def close_batches(connection: Connection, issue_id: int, *, now: datetime, actor: str) -> None:
    """Close whatever dead processes left open, once nothing of the issue is under way."""
    left = select(_batch.id).where(_batch.issue_id == issue_id, _batch.finished_at.is_(None))
    for batch in connection.execute(left).scalars().all():
        close_batch(connection, issue_id, batch, now=now, actor=actor)


def sub_revision_words(sub_revision: int) -> str | None:
    """What the history says of a claim; nothing where it is of what was approved, whole."""
    return f"{_SUB_REVISION}{sub_revision}" if sub_revision else None


def sub_revision_of_batch(connection: Connection, issue_id: int, batch: int) -> int:
    """Of which sub-revision everything is that was marked under a batch."""
    line = tables.history.c
    where = (line.issue_id == issue_id, line.batch_id == batch, line.to_state == DeliveryState.CLAIMED.value)
    said = connection.execute(select(line.reason).where(*where).order_by(line.id).limit(1)).scalar() or ""
    return int(said.removeprefix(_SUB_REVISION)) if said.startswith(_SUB_REVISION) else 0


def _told(issue_id: int) -> Select[tuple[int]]:
    """Those whose acceptance has a line of its own: it came late, or a person said so."""
    line = tables.history.c
    whose = (line.issue_id == issue_id, line.subscriber_id.is_not(None), line.to_state == DeliveryState.ACCEPTED.value)
    return select(line.subscriber_id).where(*whose)

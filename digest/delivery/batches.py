"""Batches: one claim each of deliveries of one rendition by one process, and how they are closed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from digest.delivery import statements
from digest.delivery.history import note
from digest.delivery.transitions import DeliveryState
from digest.store import tables

_batch = tables.batch.c
_SUB_REVISION = "sub-revision "


def open_batch(
    connection: Connection, issue_id: int, *, rendition: int, provider: str, owner: str, until: datetime, size: int
) -> int:
    """Note a claim, held until its lease ends; returns its number."""
    values = {
        "issue_id": issue_id,
        "rendition": rendition,
        "provider": provider,
        "owner": owner,
        "lease_until": until,
        "deadline_at": until,
        "size": size,
    }
    (batch,) = statements.NEW_BATCH.run(connection, values).fetchone()
    return int(batch)


def close_batch(
    connection: Connection, issue_id: int, batch: int, *, now: datetime, actor: str, accepted: int | None = None
) -> None:
    """Nothing of a batch is under way any more: what of it was accepted goes into the history as one line, once.

    `accepted` is how many that were, where somebody has counted; else it is looked up.
    """
    if not statements.CLOSE.run(connection, {"batch": batch, "now": now}).rowcount:
        return
    if accepted is None:
        (accepted,) = statements.ACCEPTED.run(connection, {"issue": issue_id, "batch": batch}).fetchone()
    to = DeliveryState.ACCEPTED
    note(connection, issue_id, DeliveryState.CLAIMED, to, now=now, actor=actor, count=accepted, batch=batch)


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

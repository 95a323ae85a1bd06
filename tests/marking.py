"""One batch marked or settled, for tests that have no lanes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from digest.delivery.ledger import Ledger
from digest.delivery.providers.answer import Answer
from digest.delivery.refusals import Refusal
from digest.delivery.steps import Mark, Settle


def mark_batch(
    ledger: Ledger, connection: Connection, batch: int, whose: Sequence[int], *, now: datetime, sub_revision: int = 0
) -> list[int]:
    """Mark; raises what refuses it."""
    (found,) = ledger.mark(connection, [Mark(0, batch, tuple(whose))], now=now, sub_revision=sub_revision)
    if isinstance(found, Refusal):
        raise found
    return found


def settle_batch(
    ledger: Ledger,
    connection: Connection,
    batch: int,
    whose: Sequence[int],
    answer: Answer,
    *,
    now: datetime,
    retry_at: Mapping[int, datetime],
) -> None:
    """Settle."""
    ledger.settle(connection, [Settle(0, batch, tuple(whose), answer)], now=now, retry_at=retry_at)

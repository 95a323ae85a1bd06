"""The history of deliveries: append-only lines, per batch step, and per delivery where one departs from its batch.

The state is its fold: everyone planned, then every line moves as many as it counts. A mark has no line of its own; what
leaves `sending` is told as leaving `claimed`.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from digest.delivery import statements
from digest.delivery.transitions import DeliveryState


def note(
    connection: Connection,
    issue_id: int,
    from_state: DeliveryState,
    to_state: DeliveryState,
    *,
    now: datetime,
    actor: str,
    count: int = 1,
    batch: int | None = None,
    subscriber: int | None = None,
    reason: str | None = None,
) -> None:
    """Append one line; nothing when it would be about nobody."""
    if not count:
        return
    line = {
        "issue_id": issue_id,
        "batch_id": batch,
        "subscriber_id": subscriber,
        "count": count,
        "from_state": from_state.value,
        "to_state": to_state.value,
        "actor": actor,
        "reason": reason,
        "at": now,
    }
    statements.LINE.run(connection, line)

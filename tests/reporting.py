"""What SendGrid would post of deliveries, made from the project's own key; signed, and as the issues' rows stand."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import select

from digest.app import App
from digest.delivery.sealing import delivery_id, seal
from digest.issues.issue import Issue
from digest.store import tables
from digest.testing.webhook_signing import SendGridSigner

SENDGRID = SendGridSigner()
LISTENING = {"DIGEST_PROVIDERS__SENDGRID__WEBHOOK_KEY": SENDGRID.key}
"""What makes a project take SendGrid's reports."""


def entry(app: App, issue: Issue, subscriber: int, event: str, at: datetime, **rest: Any) -> dict[str, Any]:
    """One event of one delivery."""
    own = delivery_id(app.key, issue.newsletter, issue.frequency, issue.slot, subscriber)
    return {
        "event": event,
        "email": f"u{subscriber}@x.example",
        "timestamp": int(at.timestamp()),
        "sg_event_id": f"e{subscriber}",
        "sg_message_id": f"M{subscriber}.filter0001",
        "delivery_id": own,
        "attempt_id": "1",
        "seal": seal(app.key, own, subscriber),
    } | rest


def readers(app: App, issue: Issue) -> list[int]:
    """Everybody an issue was planned for."""
    row = tables.delivery.c
    with app.store.reading() as connection:
        planned = select(row.subscriber_id).where(row.issue_id == issue.id, row.rendition.is_not(None))
        return list(connection.execute(planned.order_by(row.subscriber_id)).scalars())


def stored(app: App) -> list[tuple[int, str]]:
    """Every event there is: whose, and which."""
    row = tables.event.c
    with app.store.reading() as connection:
        return [
            (one.subscriber_id, one.kind)
            for one in connection.execute(select(row.subscriber_id, row.kind).order_by(row.subscriber_id, row.kind))
        ]


def states(app: App) -> list[str]:
    """The state of each report, the oldest first."""
    row = tables.report.c
    with app.store.reading() as connection:
        return list(connection.execute(select(row.state).order_by(row.id)).scalars())


def distinct(entries: Iterable[dict[str, Any]]) -> int:
    """How many different events there are among some."""
    return len(
        {(one["delivery_id"], one["event"], one["timestamp"], one["sg_message_id"], one.get("url", "")) for one in entries}
    )

"""Forgetting: the ledger keeps its rows and their sums, and not a word that may name somebody who was erased."""

from __future__ import annotations

from sqlalchemy import Connection, delete, exists, select, update

from digest.delivery.reports import forget_of
from digest.delivery.statements import stands
from digest.delivery.transitions import DeliveryState
from digest.errors import Refused
from digest.store import tables

ERASED = "erased"
"""What stands in the place of a provider's words: they often repeat the address."""


def forget(connection: Connection, subscriber_id: int) -> None:
    """Blank what providers said of a person's deliveries, the reports that said it among them. `Refused` while one is being sent: its answer is still to come."""
    row = tables.delivery.c
    flying = select(exists().where(row.subscriber_id == subscriber_id, stands(DeliveryState.SENDING)))
    if connection.execute(flying).scalar_one():
        raise Refused("a mail to them is being sent just now; erase them when it is done")
    forget_of(connection, subscriber_id)
    of_any_issue = select(tables.issue.c.id)  # named, so that two keys that begin with the issue are of use: else all is read
    for table, column in (
        (tables.delivery, tables.delivery.c.answer),
        (tables.history, tables.history.c.reason),
        (tables.event, tables.event.c.reason),
    ):
        theirs = [table.c.subscriber_id == subscriber_id, column.is_not(None)]
        if table is not tables.history:
            theirs.append(table.c.issue_id.in_(of_any_issue))
        connection.execute(update(table).where(*theirs).values({column: ERASED}))
    connection.execute(delete(tables.returned_mail).where(tables.returned_mail.c.subscriber_id == subscriber_id))

"""Erasing: a person is taken out for good, with everything they said of themselves."""

from __future__ import annotations

from sqlalchemy import Connection, delete, select, update

from digest.audience.erased_suppression import hide
from digest.audience.had_already import forget_reader
from digest.audience.own_letters import letters_of
from digest.store import tables


def erase(connection: Connection, subscriber_id: int) -> None:
    """Delete a person and their subscriptions. Their id is never used again, and what had not gone out to them never will.

    A suppression of their address stays, by a keyed hash of it alone: nobody may mail it, least of all because they asked to be
    forgotten. Who was erased and comes back is new, so that an article may come to them again.
    """
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete = ON")  # else the rows could still be read from the file
    forget_reader(connection, subscriber_id)
    mine = tables.subscriber.c.id == subscriber_id
    known = connection.execute(select(tables.subscriber.c.address).where(mine)).scalar()
    if known is not None:
        hide(connection, known)
    address = select(tables.subscriber.c.address).where(mine).scalar_subquery()
    connection.execute(delete(tables.letter).where(letters_of(subscriber_id)))
    connection.execute(delete(tables.asking).where(tables.asking.c.address == address))
    lifted = tables.lifted_suppression
    connection.execute(update(lifted).where(lifted.c.subscriber_id == subscriber_id).values(subscriber_id=None, why="erased"))
    connection.execute(delete(tables.address_change).where(tables.address_change.c.subscriber_id == subscriber_id))
    connection.execute(delete(tables.consent).where(tables.consent.c.subscriber_id == subscriber_id))
    theirs = select(tables.subscription.c.id).where(tables.subscription.c.subscriber_id == subscriber_id)
    connection.execute(delete(tables.question).where(tables.question.c.subscription_id.in_(theirs)))
    connection.execute(delete(tables.subscription).where(tables.subscription.c.subscriber_id == subscriber_id))
    connection.execute(delete(tables.subscriber).where(tables.subscriber.c.id == subscriber_id))

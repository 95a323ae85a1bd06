"""Moving: a person wants to be written to at another address, and both addresses have to agree."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, delete, exists, insert, select, update

from digest.audience.erased_suppression import recall
from digest.store import tables

HOLDS_FOR = timedelta(days=2)
"""For how long both have time to agree."""

OF_A_CHANGE = ("move from", "move to")
"""The letters whose `about` is a change of address."""

_row = tables.address_change.c


@dataclass(frozen=True, slots=True)
class Move:
    """A change of address, and who has agreed to it so far."""

    id: int
    subscriber_id: int
    email: str
    address: str
    at: datetime
    old_agreed_at: datetime | None
    new_agreed_at: datetime | None
    done_at: datetime | None

    @property
    def ends_at(self) -> datetime:
        """Until when both have to have agreed."""
        return self.at + HOLDS_FOR


def begin(connection: Connection, subscriber_id: int, email: str, address: str, *, now: datetime) -> int:
    """Remember what somebody wants; an earlier wish of theirs is void."""
    end_all(connection, subscriber_id, now=now)
    values = {"subscriber_id": subscriber_id, "email": email, "address": address, "at": now}
    added = connection.execute(insert(tables.address_change).values(values).returning(_row.id))
    return int(added.scalar_one())


def end_all(connection: Connection, subscriber_id: int, *, now: datetime) -> None:
    """What was wished for and not agreed to by both is over."""
    open_ = update(tables.address_change).where(_row.subscriber_id == subscriber_id, _row.done_at.is_(None))
    connection.execute(open_.values(done_at=now))


def look(connection: Connection, number: int, *, now: datetime) -> Move | None:
    """A change for which there is still time."""
    row = connection.execute(_query(number, now)).one_or_none()
    return None if row is None else Move(*row)


def find(connection: Connection, number: int, *, now: datetime) -> Move | None:
    """The same, its row kept from others."""
    row = connection.execute(_query(number, now).with_for_update()).one_or_none()
    return None if row is None else Move(*row)


def _query(number: int, now: datetime) -> Select[Any]:
    return select(*(_row[name] for name in Move.__slots__)).where(_row.id == number, _row.at > now - HOLDS_FOR)


def agree(connection: Connection, number: int, *, old: bool, now: datetime) -> None:
    """One of the two addresses agrees."""
    column = _row.old_agreed_at if old else _row.new_agreed_at
    mine = update(tables.address_change).where(_row.id == number, column.is_(None))
    connection.execute(mine.values({column: now}))


def carry_out(connection: Connection, move: Move, *, now: datetime) -> bool:
    """Write the new address. False when somebody else has it meanwhile, and nothing changes."""
    person = tables.subscriber.c
    taken = select(exists().where(person.address == move.address, person.id != move.subscriber_id))
    if connection.execute(taken).scalar_one():
        return False
    before = select(person.address).where(person.id == move.subscriber_id).scalar_subquery()
    # What was asked for under the old address is over; by who is erased later, nothing of it would be found.
    letter = tables.letter.c
    follows = update(tables.letter).where(letter.address == before, letter.kind == "welcome", letter.state == "waiting")
    connection.execute(follows.values(email=move.email, address=move.address))
    connection.execute(delete(tables.letter).where(letter.address == before, letter.kind.not_in(OF_A_CHANGE)))
    connection.execute(delete(tables.asking).where(tables.asking.c.address == before))
    mine = update(tables.subscriber).where(person.id == move.subscriber_id)
    connection.execute(mine.values(email=move.email, address=move.address))
    recall(connection, {move.address})
    connection.execute(update(tables.address_change).where(_row.id == move.id).values(done_at=now))
    return True

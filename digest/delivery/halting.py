"""The kill switch: while a halt is in force, no delivery of any issue is marked as sending."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from digest.store import tables

_halt = tables.halt.c


@dataclass(frozen=True, slots=True)
class Halt:
    """One halt: why, by whom, since when."""

    reason: str
    actor: str
    at: datetime

    def __str__(self) -> str:
        return f"all sending is halted: {self.reason}"

    @property
    def advice(self) -> str:
        """The same, with who halted it and what to do."""
        return f"{self} ({self.actor}, {self.at:%Y-%m-%d %H:%M} UTC); when that is mended, `digest halt --lift` lets it go on"


def halt(connection: Connection, reason: str, actor: str, now: datetime) -> Halt:
    """Stop all sending. Halts add up, and are lifted together."""
    connection.execute(insert(tables.halt).values(reason=reason, actor=actor, at=now))
    return Halt(reason, actor, now)


def lift(connection: Connection, actor: str, now: datetime) -> int:
    """Let sending go on; returns how many halts were in force."""
    lifted = update(tables.halt).where(_halt.lifted_at.is_(None)).values(lifted_at=now, lifted_by=actor)
    return connection.execute(lifted).rowcount


def in_force(connection: Connection) -> Halt | None:
    """The oldest halt that is not lifted."""
    row = connection.execute(_HALTS.where(_halt.lifted_at.is_(None)).limit(1)).one_or_none()
    return None if row is None else Halt(row.reason, row.actor, row.at)


def was_halted(connection: Connection, actor: str, reason_start: str) -> bool:
    """Whether there ever was a halt by `actor` whose reason began so, lifted or not."""
    begins = _halt.reason.startswith(reason_start, autoescape=True)
    return connection.execute(_HALTS.where(_halt.actor == actor, begins).limit(1)).one_or_none() is not None


_HALTS = select(_halt.reason, _halt.actor, _halt.at).order_by(_halt.id)

"""Timing: when the mails of an issue leave, all at its slot or each at its reader's own hour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from digest.delivery import waves
from digest.issues.frozen import Frozen
from digest.issues.issue import Issue, frozen_of


@dataclass(frozen=True, slots=True)
class Timing:
    """With `local` each leaves at the slot's time where its reader is, unless that has passed by more than `patience`.

    A dry run asks nobody to wait: it is `unhurried`.
    """

    local: bool = False
    patience: timedelta | None = None
    unhurried: bool = False

    def planned_by(self, connection: Connection, issue: Issue, frozen: Frozen) -> waves.Waves | None:
        """By which an issue is planned; None where it goes out at once."""
        return waves.find_waves(connection, issue, ZoneInfo(frozen.timezone)) if self.local else None

    def closed_from(self, connection: Connection, issue: Issue, now: datetime) -> int | None:
        """The first of the planned renditions whose time has not come; None where that of all has."""
        return None if self.unhurried else waves.closed_from(connection, issue, now)

    def look_again(self, connection: Connection, issue: Issue, *, now: datetime, real: datetime, actor: str) -> None:
        """Who moved waits for the hour of the place; who would get it long after theirs, gets what it holds by the next one."""
        if not self.local:
            return
        if self.patience is not None:
            waves.expire_missed(connection, issue, patience=self.patience, now=now, real=real, actor=actor)
        own = ZoneInfo(frozen_of(connection, issue).timezone)
        waves.hold_movers(connection, issue, own, now=now, real=real)

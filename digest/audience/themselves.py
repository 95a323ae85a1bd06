"""Themselves: what people agreed to and chose here themselves, by the evidence. No file overrules that."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from digest.audience.consent import Act, Source
from digest.audience.dialects import among
from digest.audience.following import Kind
from digest.store import tables

_BY_THEM = frozenset({Source.PAGE, Source.API, Source.ONE_CLICK})
_AGREEING = frozenset({Act.ADDED, Act.CONFIRMED, Act.RETURNED})


class Line(NamedTuple):
    """One line of evidence, as far as it matters here."""

    act: str
    source: str
    topics: str
    frequency: str
    before: dict[str, Any] | None
    elsewhere: dict[str, Any] | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Themselves:
    """What somebody did here since they last left, if ever.

    `confirmed`: by a page. `agreed_at`: when they last agreed here, or confirmed with a tool that they were imported from.
    `chose`: the topics and the frequency that they have are their own choice, made here. `left_by_file_at`: when a file
    last said that they had left.
    """

    confirmed: bool = False
    agreed_at: datetime | None = None
    chose: bool = False
    left_by_file_at: datetime | None = None

    def agreed_since(self, left_at: datetime | None) -> bool:
        """Whether they agreed here, or after they had left the other tool. Where it does not say when, what a file said before
        counts from then."""
        since = left_at or self.left_by_file_at
        return self.confirmed or (since is not None and self.agreed_at is not None and self.agreed_at > since)

    def agreeing(self, at: datetime | None) -> Themselves:
        """The same, having agreed then, too."""
        return self if at is None or (self.agreed_at is not None and self.agreed_at >= at) else replace(self, agreed_at=at)


UNHEARD = Themselves()
"""Somebody of whom nothing is known."""


def themselves_of(connection: Connection, newsletter: str, subscriber_ids: Collection[int]) -> dict[int, Themselves]:
    """What some thousand people did in a newsletter, or one that was moved to it, by their ids; not of whom there is no evidence."""
    row = tables.consent.c
    query = (
        select(row.subscriber_id, *(row[name] for name in Line._fields))
        .where(among(connection, row.subscriber_id, subscriber_ids), row.newsletter.in_(_with_former(connection, newsletter)))
        .order_by(row.subscriber_id, row.id)
    )
    by_person = groupby(connection.execute(query), key=lambda found: found[0])
    return {person: read(Line(*found[1:]) for found in theirs) for person, theirs in by_person}


def _with_former(connection: Connection, newsletter: str) -> set[str]:
    row, names = tables.succession.c, {newsletter}
    moves = select(row.name, row.moved_to).where(row.kind == Kind.NEWSLETTER.value).order_by(row.id.desc())
    for name, moved_to in connection.execute(moves):
        if moved_to in names:
            names.add(name)
    return names


def read(lines: Iterable[Line]) -> Themselves:
    """What a person's lines come to, the oldest first."""
    told = UNHEARD
    for line in lines:
        told = replace(_agreed(told, line), chose=_chose(told.chose, line))
    return told


def _agreed(told: Themselves, line: Line) -> Themselves:
    if line.act == Act.LEFT:
        return Themselves(left_by_file_at=line.at if line.source == Source.IMPORT else told.left_by_file_at)
    if line.source == Source.IMPORT:
        # When they opted in is passed over: most tools give the time at which somebody was put in, by whomever.
        confirmed = (line.elsewhere or {}).get("confirmed_at")
        return told.agreeing(None if confirmed is None else datetime.fromisoformat(confirmed))
    by_them = line.source in _BY_THEM
    if line.act in _AGREEING or (by_them and line.act == Act.CHANGED):
        told = told.agreeing(line.at)
    return replace(told, confirmed=True) if by_them and line.act in {Act.CONFIRMED, Act.RETURNED} else told


def _chose(so_far: bool, line: Line) -> bool:
    """Whoever last set topics or frequency chose them: an asking, a pause, a move or a leaving sets neither."""
    by_them = line.source in _BY_THEM
    if line.act == Act.CONFIRMED and by_them:
        return True
    if line.act in {Act.ASKED, Act.MOVED}:
        return so_far
    before = line.before
    if before is not None and (before["topics"], before["frequency"]) == (line.topics, line.frequency):
        return so_far
    return by_them

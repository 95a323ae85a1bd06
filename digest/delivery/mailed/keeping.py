"""Keeping: each mail that came back is written down once; one with which nothing could be done is kept whole for a while."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, delete, exists, func, insert, select, update

from digest.delivery.mailed.sorting import Sort, Sorted
from digest.store import tables

KEPT_FOR = timedelta(days=90)
WHOLE_FOR = timedelta(days=30)
LARGEST_KEPT = 64_000
"""Octets of a mail that are kept."""

_row = tables.returned_mail.c


class Outcome(StrEnum):
    """What was done with a mail."""

    HEEDED = "heeded"  # what it tells was written down
    KNOWN = "known already"  # it tells what was told before
    LEFT = "unsubscribed"
    NOT_OURS = "of no mail of ours"  # it has no token, or one that does not verify: nothing is done
    NOTHING = "nothing to do"
    UNCLEAR = "not understood"


_ALL_DONE = frozenset({Outcome.HEEDED, Outcome.KNOWN, Outcome.LEFT})


@dataclass(frozen=True, slots=True)
class Kept:
    """One mail as it was written down. `whole`: it can still be read."""

    id: int
    received_at: datetime
    source: str
    sort: str
    outcome: str
    about: str
    whole: bool


def fingerprint(raw: bytes) -> str:
    """By which a mail is known again."""
    return hashlib.sha256(raw).hexdigest()


def is_known(connection: Connection, raw: bytes) -> bool:
    """Whether a mail was written down already."""
    return bool(connection.execute(select(exists().where(_row.digest == fingerprint(raw)))).scalar_one())


def keep(
    connection: Connection, raw: bytes, found: Sorted, outcome: Outcome, *, source: str, subscriber: int | None, now: datetime
) -> None:
    """Write a mail down."""
    whole = outcome not in _ALL_DONE and found.sort is not Sort.ANSWER
    values = {
        "digest": fingerprint(raw),
        "received_at": now,
        "source": source,
        "sort": found.sort.value,
        "outcome": outcome.value,
        "about": found.about,
        "subscriber_id": subscriber,
        "raw": raw[:LARGEST_KEPT] if whole else None,
    }
    connection.execute(insert(tables.returned_mail).values(values))


def kept(connection: Connection, *, everything: bool = False) -> tuple[Kept, ...]:
    """Those that can still be read, or every one; the newest first, at most a thousand."""
    columns = (_row.id, _row.received_at, _row.source, _row.sort, _row.outcome, _row.about, _row.raw.is_not(None).label("whole"))
    query = select(*columns).order_by(_row.id.desc()).limit(1000)
    found = connection.execute(query if everything else query.where(_row.raw.is_not(None)))
    return tuple(Kept(**(row._asdict() | {"whole": bool(row.whole)})) for row in found)


def mail_itself(connection: Connection, number: int) -> bytes | None:
    """One mail; None where there is none, or not any more."""
    return connection.execute(select(_row.raw).where(_row.id == number)).scalar_one_or_none()


def tally(connection: Connection, since: datetime) -> dict[str, int]:
    """How many mails came to which outcome, since a time."""
    query = (
        select(_row.outcome, func.count().label("many"))
        .where(_row.received_at >= since)
        .group_by(_row.outcome)
        .order_by(_row.outcome)
    )
    return {row.outcome: row.many for row in connection.execute(query)}


def forget_old(connection: Connection, *, now: datetime) -> None:
    """Throw away what is old: first the mails themselves, then that they came."""
    old = update(tables.returned_mail).where(_row.received_at < now - WHOLE_FOR, _row.raw.is_not(None))
    connection.execute(old.values(raw=None))
    connection.execute(delete(tables.returned_mail).where(_row.received_at < now - KEPT_FOR))

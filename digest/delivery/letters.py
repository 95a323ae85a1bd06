"""Letters: mails to one person, such as a confirmation, in a durable queue.

Whoever asks for one only writes a row, so that the time of an answer says nothing. A process that tries one moves it ahead first,
so that two never try it at once, and one that died leaves it to the next. A doubtful one is sent once more, an hour later: a second
copy does no harm, and fifty would. A welcome holds articles, and none may come twice: it is marked before it is sent, and a doubtful
one is over.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, Update, delete, exists, insert, select, update

from digest.delivery.providers.answer import Outcome
from digest.store import tables

_row = tables.letter.c
_WAITING = _row.state == "waiting"

TRIED_FOR = timedelta(days=2)
"""After this long a letter is given up."""

KEPT_FOR = timedelta(days=8)
"""After this long nothing of a letter is kept."""

DOUBTED_AT_MOST = 2
"""So many attempts, and a doubtful one is not sent again."""

_FIRST_WAIT = timedelta(seconds=30)
_LONGEST_WAIT = timedelta(hours=1)
_LONGEST_ANSWER = 500


class Kind(StrEnum):
    """What a letter is for; its `about` is the number of what it speaks of."""

    CONFIRM = "confirm"  # of a sign-up
    MOVE_FROM = "move from"  # of a change of address, to the old one
    MOVE_TO = "move to"  # of a change of address, to the new one
    ERASE = "erase"  # of a subscription
    DOWNLOAD = "download"  # of a subscription
    WELCOME = "welcome"  # of a subscription
    SIGN_IN = "sign in"  # of an editor's link
    SUNSET = "sunset"  # of a subscription
    NOTICE = "notice"  # of what editors are told


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter that waits."""

    id: int
    kind: Kind
    about: int
    email: str
    address: str
    language: str
    created_at: datetime
    attempts: int
    content: dict[str, Any] | None = None


_COLUMNS = [_row[name] for name in Letter.__slots__]


def put(
    connection: Connection,
    kind: Kind,
    about: int,
    *,
    email: str,
    address: str,
    language: str,
    now: datetime,
    real: datetime,
    content: dict[str, Any] | None = None,
) -> None:
    """Add a letter to the queue. `now` is the clock of decisions, `real` that of waiting; `content` is a welcome's."""
    row: dict[str, object] = {"kind": kind.value, "about": about, "email": email, "address": address, "language": language}
    times: dict[str, object] = {"created_at": now, "state": "waiting", "not_before": real}
    connection.execute(insert(tables.letter).values(row | times | {"content": content}))


def claim(connection: Connection, *, real: datetime, lease: timedelta, welcomes: bool = True) -> Letter | None:
    """Take the one that has been due for longest; nobody else tries it before the lease has ended. One alone: of who died with some
    in their hands the next one waits for every lease. Without `welcomes` those are left where they are.
    """
    _end_doubtful(connection, real=real)
    due = select(*_COLUMNS).where(_WAITING, _row.not_before <= real).order_by(_row.not_before, _row.id).limit(1)
    found = connection.execute(due if welcomes else due.where(_row.kind != Kind.WELCOME.value)).one_or_none()
    if found is None:
        return None
    taken = update(tables.letter).where(_row.id == found.id)
    connection.execute(taken.values(attempts=found.attempts + 1, not_before=real + lease))
    return _letter(found, found.attempts + 1)


def mark(connection: Connection, letter: Letter, *, real: datetime) -> bool:
    """Write down that a letter is about to be handed over; False when somebody else has it meanwhile."""
    return connection.execute(_held(letter).values(marked_at=real)).rowcount == 1


def _end_doubtful(connection: Connection, *, real: datetime) -> None:
    """What was marked by somebody who never said what became of it, and whose lease is over, may be there."""
    lost = update(tables.letter).where(_WAITING, _row.not_before <= real, _row.marked_at.is_not(None))
    connection.execute(
        lost.values(state="given up", answer="the process that was sending it ended before an answer was written down")
    )


def give_up_old(connection: Connection, *, now: datetime) -> list[Letter]:
    """What nobody could send for so long is over, untried as well: its link would be, too. Returns it; none of it was sent.

    What is marked is left to whoever is sending it, or to the end of their lease.
    """
    old = update(tables.letter).where(_WAITING, _row.created_at <= now - TRIED_FOR, _row.marked_at.is_(None))
    found = connection.execute(old.values(state="given up").returning(*_COLUMNS)).all()
    return [_letter(one, one.attempts) for one in found]


def any_due(connection: Connection, *, real: datetime) -> bool:
    """Whether some letter is due."""
    return bool(connection.execute(select(exists().where(_WAITING, _row.not_before <= real))).scalar_one())


def settle(connection: Connection, letter: Letter, outcome: Outcome, answer: str, *, now: datetime, real: datetime) -> bool:
    """Write down what became of a letter. True when it surely did not reach anybody, and will not."""
    doubts = 1 if letter.kind is Kind.WELCOME else DOUBTED_AT_MOST
    if outcome is Outcome.ACCEPTED:
        values: dict[str, object] = {"state": "sent"}
    elif outcome is Outcome.REJECTED:
        values = {"state": "rejected"}
    elif letter.created_at + TRIED_FOR <= now or (outcome is Outcome.UNKNOWN and letter.attempts >= doubts):
        values = {"state": "given up"}
    elif outcome is Outcome.UNKNOWN:
        values = {"not_before": real + _LONGEST_WAIT}  # it may be there: to one address at most one in an hour
    else:
        values = {"not_before": real + wait_after(letter.attempts)}
    said = {"answer": answer[:_LONGEST_ANSWER] or None, "marked_at": None}
    settled = connection.execute(_held(letter).values(values | said)).rowcount == 1
    return settled and "state" in values and outcome not in (Outcome.ACCEPTED, Outcome.UNKNOWN)


def drop(connection: Connection, letter: Letter, why: str) -> bool:
    """Let a letter go unsent; False when somebody else has it meanwhile, and may be sending it."""
    return connection.execute(_held(letter).values(state="dropped", answer=why)).rowcount == 1


def forget_old(connection: Connection, *, now: datetime) -> None:
    """Take out what is older than anything may ask for."""
    connection.execute(delete(tables.letter).where(_row.created_at < now - KEPT_FOR))


def wait_after(attempts: int) -> timedelta:
    """How long after so many attempts the next one waits: three times as long each time, at most an hour."""
    return min(_LONGEST_WAIT, _FIRST_WAIT * int(3 ** min(attempts - 1, 8)))


def _held(letter: Letter) -> Update:
    """What changes a letter as long as nobody else has taken it since."""
    return update(tables.letter).where(_row.id == letter.id, _WAITING, _row.attempts == letter.attempts)


def _letter(found: Row[Any], attempts: int) -> Letter:
    named = {name: getattr(found, name) for name in Letter.__slots__}
    return Letter(**(named | {"kind": Kind(found.kind), "attempts": attempts}))

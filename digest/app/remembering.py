"""Remembering runs: when one last ended, and when one last needed no person, for whoever watches over them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec

from sqlalchemy import delete, insert, select

from digest.app.wiring import App
from digest.delivery.ending import Ending
from digest.errors import Busy, DigestError
from digest.store import tables

if TYPE_CHECKING:
    from digest.app.running import Ran

_P = ParamSpec("_P")
_row = tables.last_run.c


def remembered(run: Callable[Concatenate[App, _P], Ran]) -> Callable[Concatenate[App, _P], Ran]:
    """The same run, whose end is written down; a dry run leaves nothing, and one that found another at work was none."""

    @wraps(run)
    def run_and_remember(app: App, /, *arguments: _P.args, **options: _P.kwargs) -> Ran:
        began, well = datetime.now(UTC), False
        try:
            ran = run(app, *arguments, **options)
            well = went_well(ran)
        except Busy:
            raise
        except BaseException:
            with suppress(DigestError):  # the database may be what was out of reach
                _remember(app, began, well=False)
            raise
        _remember(app, began, well=well)
        return ran

    return run_and_remember


def went_well(ran: Ran) -> bool:
    """Whether nothing of it waits for a person: no halt, no issue refused, something that could be read and someone to send with."""
    refused = any(one.refused or (one.sent is not None and one.sent.ending is Ending.OUT_OF_REACH) for one in ran.handled)
    return ran.halted is None and not refused and not ran.fetched.all_failed and not ran.fetched.stopped


def _remember(app: App, began: datetime, *, well: bool) -> None:
    if app.outbox is not None:
        return
    ended = datetime.now(UTC)
    with app.store.writing() as connection:
        before = connection.execute(select(_row.well_at)).scalar_one_or_none()
        connection.execute(delete(tables.last_run))
        values = {"id": 1, "began_at": began, "ended_at": ended, "well": well, "well_at": ended if well else before}
        connection.execute(insert(tables.last_run).values(values))

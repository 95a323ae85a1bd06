"""Backing up and restoring: what a person is told about either, and what keeps a restored database from sending."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, func, select

from digest.app.wiring import App
from digest.audience.erased_suppression import key_id
from digest.delivery.account import account
from digest.delivery.transitions import UNSENT, DeliveryState
from digest.errors import Refused
from digest.issues.issue import list_issues
from digest.issues.lifecycle import IssueState
from digest.store import tables
from digest.store.backup import back_up
from digest.store.database import Store
from digest.store.restoring import is_empty, load, opened
from digest.store.seal import Seal

_UNDER_WAY = {IssueState.APPROVED, IssueState.SENDING, IssueState.PAUSED}


@dataclass(frozen=True, slots=True)
class UnderWay:
    """An issue that had not ended when the backup was made: how many were still to get it, and how many were not known."""

    issue: str
    state: str
    unsent: int
    unknown: int


@dataclass(frozen=True, slots=True)
class Restored:
    """What a database holds now; `kept` is where it stands what it held before, where that was anything."""

    seal: Seal
    kept: Path | None
    under_way: tuple[UnderWay, ...]
    letters: int
    other_secret: bool


def backup(app: App, file: Path) -> Seal:
    """Write a backup into a file that is not there yet, whoever else works on the database meanwhile."""
    return back_up(app.store, file, made_at=datetime.now(UTC), key_id=key_id(app.store.keys[0]))


def restore(app: App, file: Path, *, replace: bool) -> Restored:
    """Put a backup in place. Nothing is sent from this database until a person confirms it.

    One that holds anything is `Refused`, or with `replace` backed up first, into the project's folder.
    """
    with tempfile.TemporaryDirectory(prefix="digest-restore-") as folder, opened(file, Path(folder)) as (held, seal):
        with held.reading() as connection:
            under_way, letters = tuple(_under_way(connection)), _letters(connection)
        _open(app.store)
        with app.store.nobody_sends():
            kept = _keep(app, replace=replace)
            load(held, app.store)
        return Restored(seal, kept, under_way, letters, seal.key_id not in {key_id(key) for key in app.store.keys})


def _open(store: Store) -> None:
    """A place with this version's tables."""
    if store.outdated() is None:
        store.prepare()


def _keep(app: App, *, replace: bool) -> Path | None:
    """What is there now goes into a backup of its own before it goes."""
    outdated = app.store.outdated()
    if outdated is None and is_empty(app.store):
        return None
    if not replace:
        raise Refused(
            f"{app.store.url.render_as_string()} holds something already: name an empty database in database.url, or add --replace,"
            " which makes a backup of it first"
        )
    aside = app.settings.project / f"before-restore-{datetime.now(UTC):%Y%m%dT%H%M%S%f}.backup"
    backup(app, aside)
    if outdated is not None:
        app.store.migrate()
    return aside


def _under_way(connection: Connection) -> list[UnderWay]:
    found = []
    for issue in list_issues(connection):
        if issue.state in _UNDER_WAY:
            stands = account(connection, issue)
            unsent = sum(stands[state.value] for state in UNSENT)
            found.append(UnderWay(issue.name, issue.state.value, unsent, stands[DeliveryState.UNKNOWN.value]))
    return found


def _letters(connection: Connection) -> int:
    waiting = select(func.count()).where(tables.letter.c.state == "waiting")
    return int(connection.execute(waiting).scalar_one())

"""Mistakes about what is believed: a restored database, a provider's last word."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from unittest import mock

from sqlalchemy import select

from digest.delivery import event, heeding
from digest.delivery.event import Kind
from digest.delivery.transitions import DeliveryState
from digest.store import tables
from digest.store.epoch import SendEpoch
from tests.journeys.project import MONDAY
from tests.proofs.mutants.projects import arrived, hold, projects

_S = DeliveryState
_row = tables.delivery.c


@contextmanager
def restore_sends_again() -> Iterator[None]:
    """A restored database is trusted."""
    with mock.patch.object(SendEpoch, "obstacle", return_value=None):
        yield


def a_restored_database_waits() -> None:
    """A backup from before the issue is put back."""
    with projects() as project:
        database = project.folder / "digest.db"
        with project.app() as app:
            app.store.prepare()
        shutil.copy(database, project.folder / "backup.db")
        project.run(MONDAY)
        for leftover in project.folder.glob("digest.db-*"):
            leftover.unlink()
        shutil.copy(project.folder / "backup.db", database)
        project.run(MONDAY + timedelta(minutes=30))
        twice = {address: count for address, count in arrived(project).items() if count > 1}
        assert not twice, f"arrived twice: {twice}"


@contextmanager
def event_overwrites_accepted() -> Iterator[None]:
    """The last event wins, whatever was known before."""

    def proved(before: DeliveryState, attempts: int, heard: Sequence[Any]) -> Any:
        for one in heard:
            if one.kind is Kind.REJECTED:
                return _S.REJECTED, one
        return event.proved(before, attempts, heard)

    every = frozenset(state.value for state in _S)
    with mock.patch("digest.delivery.heeding.proved", proved), mock.patch("digest.delivery.heeding._MOVABLE", every):
        yield


def accepted_absorbs() -> None:
    """A drop is reported of a delivery that was accepted."""
    with projects() as project:
        project.run(MONDAY)
        with project.app() as app, app.store.writing() as connection:
            issue = project.issue("weekly/1")
            whose = connection.execute(select(_row.subscriber_id)).scalars().all()
            line = {"issue_id": issue.id, "attempt": 1, "kind": Kind.REJECTED.value, "occurred_at": MONDAY}
            more = {"provider": "smtp", "provider_message_id": "m", "received_at": MONDAY}
            connection.execute(tables.event.insert(), [line | more | {"subscriber_id": one} for one in whose])
            heeding.heed(connection, issue.id, whose, actor="test", now=MONDAY)
        hold(project)

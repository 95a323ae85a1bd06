"""Revisions: what an editor had done by each of them, so that one can go back, and whoever comes late is told what changed."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, select

from digest.audience.dialects import insert_missing
from digest.issues.editing import Edits
from digest.store import tables

_row = tables.issue_edits.c


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision: what was done in it, by whom, when. The first that is known has nothing that was done."""

    number: int
    did: str
    actor: str
    at: datetime


def keep(connection: Connection, issue_id: int, revision: Revision, edits: Edits) -> None:
    """Write down what an editor had done by a revision; what is there already stays."""
    values = {"issue_id": issue_id, "revision": revision.number, "edits": asdict(edits)}
    told = {"did": revision.did, "actor": revision.actor, "at": revision.at}
    connection.execute(insert_missing(connection, tables.issue_edits).values(values | told))


def edits_by(connection: Connection, issue_id: int, number: int) -> Edits | None:
    """What an editor had done by a revision; None where that is not known."""
    found = connection.execute(select(_row.edits).where(_row.issue_id == issue_id, _row.revision == number)).scalar()
    return None if found is None else _adapter().validate_python(found)


def since(connection: Connection, issue_id: int, number: int) -> list[Revision]:
    """The revisions after one, the newest first."""
    columns = (_row.revision, _row.did, _row.actor, _row.at)
    query = select(*columns).where(_row.issue_id == issue_id, _row.revision > number).order_by(_row.revision.desc())
    return [Revision(*found) for found in connection.execute(query)]


@cache
def _adapter() -> TypeAdapter[Any]:
    return TypeAdapter(Edits)

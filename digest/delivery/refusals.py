"""Refusals: why nothing of a batch may be marked."""

from __future__ import annotations

from sqlalchemy import Connection, select

from digest.delivery.halting import in_force
from digest.store import tables
from digest.store.epoch import AFTER_RESTORE, IS_RESTORED


class Refusal(Exception):
    """Something may not be marked."""


class LeaseLost(Refusal):
    """A batch is not ours any more; what was not sent of it belongs to somebody else."""


class NotSendable(Refusal):
    """The issue may not be sent just now; the message says why."""


class Stale(Refusal):
    """An article was withdrawn since the batch was claimed: what its rendition holds may not be sent any more."""


def refusal(connection: Connection, issue_id: int, sub_revision: int) -> Refusal:
    """Why nobody was marked who could have been: because of a halt, or of the issue, or because the batch is not ours."""
    halted = in_force(connection)
    if halted is not None:
        return NotSendable(str(halted))
    if connection.execute(select(IS_RESTORED)).scalar_one():
        return NotSendable(AFTER_RESTORE)
    issue = tables.issue.c
    columns = (issue.state, issue.approved_hash, issue.content_hash, issue.sub_revision)
    found = connection.execute(select(*columns).where(issue.id == issue_id)).one()
    if found.state != "sending":
        return NotSendable(f"the issue is {found.state}")
    if found.approved_hash != found.content_hash:
        return NotSendable("what was approved is not what would go out")
    return Stale() if found.sub_revision != sub_revision else LeaseLost()

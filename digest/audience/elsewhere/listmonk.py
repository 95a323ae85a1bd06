"""listmonk: *Subscribers → Export*, `uuid,email,name,attributes,status,created_at,updated_at`, by its source, `cmd/subscribers.go`.

The status is the person's, `enabled`, `disabled` or `blocklisted`; who confirmed or left a list is not in the file, so one
exports a list filtered by that. Times are as Go prints them, `2024-01-02 15:04:05.999999 +0000 UTC`.
"""

from __future__ import annotations

from digest.audience.elsewhere.format import Cell, Format, Judged
from digest.audience.elsewhere.standing import Standing

_WORDS = {"enabled": Standing.UNSAID, "blocklisted": Standing.BLOCKLISTED}


def judge(cell: Cell, _: str) -> Judged:
    """By the status; an unknown one is left out."""
    status = cell("status")[:40].lower()
    return Judged(_WORDS.get(status, Standing.LEFT_OUT), status or "no status")


FORMAT = Format(
    name="listmonk",
    title="listmonk",
    known_by=(frozenset({"uuid", "email", "attributes", "status"}),),
    judge=judge,
    status=("status",),
    opted_in=("created_at",),
)

"""Coverage points of a newsletter's frequencies: where new subscriptions start."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, select

from digest.store import tables


def coverage_points(connection: Connection, newsletter: str, frequencies: Iterable[str]) -> dict[str, int]:
    """The coverage point of each frequency; one that has had no issue yet starts where the others have come to.

    So a frequency that is offered later does not flood its first subscribers with everything that ever arrived.
    """
    coverage = tables.coverage.c
    rows = connection.execute(select(coverage.frequency, coverage.point).where(coverage.newsletter == newsletter))
    known = {row.frequency: row.point for row in rows}
    reached = max(known.values(), default=0)
    return {frequency: known.get(frequency, reached) for frequency in frequencies}

"""(d) The plan of one issue: every subscriber a delivery, suppression checked, 8,000 renditions."""

from __future__ import annotations

import statistics
import time

from benchmarks.measuring import Figure, apart
from benchmarks.project import NOW, Place, a_place, in_turn, opened, the_issue
from digest.delivery.plan import plan
from digest.issues.issue import frozen_of

_RENDITIONS = 8000


def planning(audience: int, runs: int) -> list[Figure]:
    """How long the transaction takes, commit and all."""
    took, peaks = [], []
    for _ in range(runs):
        with a_place(in_turn(min(_RENDITIONS, audience)), audience) as place:
            ran = apart(plan_issue, place)
        took.append(ran.result)
        peaks.append(ran.peak_mb)
    seconds, peak = statistics.median(took), max(peaks)
    keys = {"plan_1e6_seconds": round(seconds, 2)} if audience == 1_000_000 else {}
    bar = "≤ 6 s" if audience == 1_000_000 else ""
    return [Figure(f"plan {audience:,} deliveries", f"{seconds:.2f} s, peak {peak:.0f} MB", bar=bar, keys=keys)]


def plan_issue(place: Place) -> float:
    """Plan; how many seconds it took."""
    with opened(place) as app:
        issue = the_issue(app)
        began = time.perf_counter()
        with app.store.writing() as connection:
            plan(connection, issue, frozen_of(connection, issue), now=NOW)
        return time.perf_counter() - began

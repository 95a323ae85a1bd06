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
    took, crowded, peaks = [], [], []
    for _ in range(runs):
        for times, strangers in ((took, 0), (crowded, audience)):
            with a_place(in_turn(min(_RENDITIONS, audience)), audience, strangers=strangers) as place:
                ran = apart(plan_issue, place)
            times.append(ran.result)
            peaks.append(ran.peak_mb)
    seconds, peak = statistics.median(took), max(peaks)
    whole = audience == 1_000_000
    keys = {"plan_1e6_seconds": round(seconds, 2)} if whole else {}
    row = Figure(f"plan {audience:,} deliveries", f"{seconds:.2f} s, peak {peak:.0f} MB", bar="≤ 6 s" if whole else "", keys=keys)
    return [row, _beside_the_suppressed(audience, took, crowded)]


def _beside_the_suppressed(audience: int, took: list[float], crowded: list[float]) -> Figure:
    """The same with as many suppressed addresses of people who are not subscribed."""
    ratio = statistics.median(more / less for more, less in zip(crowded, took, strict=True))
    return Figure(
        f"the same, {audience:,} suppressed addresses besides",
        f"{statistics.median(crowded):.2f} s",
        "none besides",
        f"{ratio:.2f} ×",
        "≤ 1.3 ×",
        keys={"plan_1e6_suppressed_ratio": round(ratio, 2)} if audience == 1_000_000 else {},
    )


def plan_issue(place: Place) -> float:
    """Plan; how many seconds it took."""
    with opened(place) as app:
        issue = the_issue(app)
        began = time.perf_counter()
        with app.store.writing() as connection:
            plan(connection, issue, frozen_of(connection, issue), now=NOW)
        return time.perf_counter() - began

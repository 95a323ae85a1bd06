"""A year of weeks simulated out of a large catalogue."""

from __future__ import annotations

import statistics
from datetime import timedelta

from benchmarks.measuring import Figure, seconds
from benchmarks.project import NOW, TOPICS
from digest.insights.simulation import Group, simulate
from digest.issues.selection import Candidate
from digest.settings import NewsletterSettings


def simulating(articles: int, runs: int) -> list[Figure]:
    """All articles came in that year, for five groups of readers."""
    made = {name: {"title": name, "tags": [name]} for name in TOPICS}
    settings = NewsletterSettings.model_validate({"slug": "weekly", "title": "Weekly", "topics": made, "schedule": "0 9 * * 1"})
    times = [NOW + timedelta(days=364) / articles * number for number in range(articles)]
    came = [(at, Candidate(i, None, (TOPICS[i % 17],), at, featured=i % 50 == 0)) for i, at in enumerate(times, start=1)]
    groups = [Group("weekly", frozenset(TOPICS[: number * 3 + 1]), 100) for number in range(5)]
    took = statistics.median(seconds(lambda: simulate(settings, came, groups, NOW, NOW + timedelta(days=365)), runs))
    what = f"a year of weeks simulated, {articles:,} articles"
    return [Figure(what, f"{took:.1f} s", bar="≤ 10 s at 100,000", keys={"simulate_1e5_s": round(took, 1)})]

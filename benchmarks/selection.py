"""Selection for one issue out of a large catalogue."""

from __future__ import annotations

import statistics
from datetime import timedelta

from benchmarks.measuring import Figure, seconds
from benchmarks.project import NOW, TOPICS
from digest.issues.selection import Candidate, Reader, Rules, select


def selection(articles: int, runs: int) -> list[Figure]:
    """Every article of the catalogue is a candidate; two hundred are new."""
    candidates = [
        Candidate(i, i, (TOPICS[i % 17], TOPICS[i % 5]), NOW - timedelta(minutes=i), featured=i % 50 == 0)
        for i in range(1, articles + 1)
    ]
    rules = Rules(TOPICS, max_articles=20, max_per_topic=10, carry_over=4)
    reader = Reader(frozenset(TOPICS), coverage=articles - 200, owed={})
    took = statistics.median(seconds(lambda: select(candidates, rules, reader, cutoff=articles), runs)) * 1000
    what = f"selection out of {articles:,} articles"
    return [Figure(what, f"{took:.0f} ms", bar="≤ 200 ms at 100,000", keys={"selection_1e5_ms": round(took, 1)})]

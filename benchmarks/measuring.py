"""Measuring on noisy machines: several runs, medians, and the floor beside every figure."""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the report: what was measured, the median with its unit, the floor or peer beside it, the ratio, the bar."""

    what: str
    value: str
    beside: str = ""
    ratio: str = ""
    bar: str = ""


def seconds(work: Callable[[], object], runs: int) -> list[float]:
    """How long each of `runs` calls took, after one that does not count."""
    work()
    return [once(work) for _ in range(runs)]


def once(work: Callable[[], object]) -> float:
    """How long one call took, in seconds."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def paired(ours: Callable[[], object], theirs: Callable[[], object], runs: int) -> tuple[float, float, float]:
    """Medians of both, measured in turn, and the median of the pairwise ratio theirs / ours."""
    ours(), theirs()
    pairs = [(once(ours), once(theirs)) for _ in range(runs)]
    mine, peer = (statistics.median(column) for column in zip(*pairs, strict=True))
    return mine, peer, statistics.median(other / own for own, other in pairs)


def peak_megabytes() -> float:
    """The peak resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def table(figures: list[Figure]) -> str:
    """The report as a Markdown table."""
    rows = [("what", "median", "floor or peer", "ratio", "bar")]
    rows += [(f.what, f.value, f.beside, f.ratio, f.bar) for f in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])

"""Measuring on noisy machines: several runs, medians, and the peak memory of a process of its own."""

from __future__ import annotations

import multiprocessing
import re
import resource
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Generic, TypeVar

_HIGH_WATER = re.compile(r"VmHWM:\s+(\d+) kB")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the report: what was measured, the median with its unit, the floor or peer beside it, the ratio, the bar.

    `keys` are the figure's own entries in the report's JSON, `peers` those of what it was measured beside.
    """

    what: str
    value: str
    beside: str = ""
    ratio: str = ""
    bar: str = ""
    keys: Mapping[str, float] = field(default_factory=dict)
    peers: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Apart(Generic[Result]):
    """What a process of its own brought: the result of its work, its peak resident memory in MB, its processor time in seconds."""

    result: Result
    peak_mb: float
    processor: float


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


def apart(work: Callable[..., Result], *arguments: Any) -> Apart[Result]:
    """`work(*arguments)` in a fresh process, so that no other figure's memory is counted with it."""
    spawning = multiprocessing.get_context("spawn")
    here, there = spawning.Pipe(duplex=False)
    process = spawning.Process(target=_work, args=(there, work, arguments))
    process.start()
    there.close()
    try:
        result, peak, processor = here.recv()
    except EOFError:
        raise RuntimeError(f"{work.__module__}.{work.__name__} failed in its process; what it said stands above") from None
    finally:
        process.join()
    return Apart(result, peak, processor)


def peak_megabytes() -> float:
    """The peak resident memory of this process so far.

    By `VmHWM`, where there is one: `ru_maxrss` is handed on from parent to child, also over an exec.
    """
    try:
        found = _HIGH_WATER.search(Path("/proc/self/status").read_text("ascii"))
    except OSError:
        found = None
    return (int(found[1]) if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) / 1024


def _work(answer: Connection, work: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    result = work(*arguments)
    answer.send((result, peak_megabytes(), time.process_time()))
    answer.close()

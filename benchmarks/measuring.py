"""Measuring on noisy machines: several runs, medians, and the peak memory of a process of its own."""

from __future__ import annotations

import multiprocessing
import re
import resource
import statistics
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Generic, Self, TypeVar

_HIGH_WATER = re.compile(r"VmHWM:\s+(\d+) kB")
_RESIDENT = re.compile(r"VmRSS:\s+(\d+) kB")
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
    """What a process of its own brought: the result of its work, its peak resident memory in MB, its processor time in seconds.

    Both with what processes of its own took; `children_mb` is the most memory that those had.
    """

    result: Result
    peak_mb: float
    processor: float
    children_mb: float = 0.0


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
        result, peak, processor, children = here.recv()
    except EOFError:
        raise RuntimeError(f"{work.__module__}.{work.__name__} failed in its process; what it said stands above") from None
    finally:
        process.join()
    return Apart(result, peak, processor, children)


class Family:
    """How much memory this process and those of its own have together, looked at five times a second.

    Of a child by the most that it has had so far: what it inherits of `ru_maxrss` is its parent's.
    """

    def __init__(self) -> None:
        self.peak_mb = self.children_mb = 0.0
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._watch.join()

    def _look(self) -> None:
        before: set[str] = set()
        while not self._over.wait(0.2):
            now = _children()
            # One that is just being started has its parent's memory until it becomes a program of its own.
            theirs = sum(_memory_of(child, _HIGH_WATER) for child in now & before)
            self.children_mb = max(self.children_mb, theirs)
            self.peak_mb = max(self.peak_mb, theirs + _memory_of("self", _RESIDENT))
            before = now


def _children() -> set[str]:
    found: set[str] = set()
    for listed in Path("/proc/self/task").glob("*/children"):
        with suppress(OSError):
            found.update(listed.read_text("ascii").split())
    return found


def _memory_of(process: str, what: re.Pattern[str]) -> float:
    """In MB; 0 of one that has ended."""
    try:
        found = what.search(Path(f"/proc/{process}/status").read_text("ascii"))
    except OSError:
        return 0.0
    return int(found[1]) / 1024 if found else 0.0


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
    with Family() as family:
        result = work(*arguments)
    theirs = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = time.process_time() + theirs.ru_utime + theirs.ru_stime
    answer.send((result, max(peak_megabytes(), family.peak_mb), processor, family.children_mb))
    answer.close()

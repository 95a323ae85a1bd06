"""`python -m benchmarks [--short]`: measure, print a table of ratios, and write the report; the short form writes nothing."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from benchmarks.api import sendgrid
from benchmarks.desk import desk
from benchmarks.measuring import Figure
from benchmarks.mime import message
from benchmarks.moving import moving
from benchmarks.planning import planning
from benchmarks.report import table, write
from benchmarks.selection import selection
from benchmarks.simulating import simulating
from benchmarks.smtp import SHORT, Scale, smtp
from benchmarks.start import start_up
from benchmarks.tail import long_tail
from benchmarks.webhooks import webhooks

RUNS = 5


def main() -> None:
    """Measure everything; `--short` only shows that it runs."""
    short = "--short" in sys.argv[1:]
    figures = []
    for figure in measured(short=short):
        print(f"{figure.what}: {figure.value}", file=sys.stderr, flush=True)
        figures.append(figure)
    print(table(figures))
    if not short:
        write(figures)


def measured(*, short: bool) -> Iterator[Figure]:
    """Each benchmark in turn."""
    runs = 1 if short else RUNS
    yield from start_up(runs)
    yield from message(runs)
    yield from selection(1_000 if short else 100_000, runs)
    yield from simulating(1_000 if short else 100_000, runs)
    for audience in (100,) if short else (10_000, 100_000, 1_000_000):
        yield from planning(audience, runs)
    yield from moving(100 if short else 1_000_000)
    yield from _with_numbers(*smtp(SHORT if short else Scale()))
    yield from sendgrid(1_000 if short else 1_000_000, runs)
    yield from long_tail(50 if short else 70_000)
    yield from desk(100 if short else 1_000_000, runs)
    yield from webhooks(200 if short else 20_000, 2 if short else runs)


def _with_numbers(rows: Sequence[Figure], numbers: Mapping[str, float]) -> Iterator[Figure]:
    """The rows, the first of which carries all numbers into the report: the two with bars under their own keys."""
    keys = {name: round(numbers[name], 2) for name in ("smtp_vs_smtp_source", "smtp_full_vs_smtp_source") if name in numbers}
    peers = {name: round(number, 2) for name, number in numbers.items() if name not in keys}
    yield replace(rows[0], keys=keys, peers=peers)
    yield from rows[1:]


if __name__ == "__main__":
    main()

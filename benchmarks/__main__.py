"""`python -m benchmarks [--short]`: measure, and print a table of ratios. Nothing is written."""

from __future__ import annotations

import sys

from benchmarks import figures, smtp
from benchmarks.measuring import table


def main() -> None:
    """Measure everything; `--short` only shows that it runs."""
    short = "--short" in sys.argv[1:]
    runs = 1 if short else 5
    rows = figures.start_up(runs) + figures.message(runs) + figures.selection(1_000 if short else 100_000, runs)
    for audience in (100,) if short else (10_000, 100_000, 1_000_000):
        rows += figures.planning(audience)
    rows += smtp.smtp(smtp.SHORT if short else smtp.Scale())[0]
    print(table(rows))


if __name__ == "__main__":
    main()

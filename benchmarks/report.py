"""The report: a Markdown table, the figures as JSON, and a chart."""

from __future__ import annotations

import os
import platform
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import orjson

from benchmarks.chart import chart
from benchmarks.measuring import Figure

FOLDER = Path(__file__).parents[1] / "docs" / "benchmarks"
_PEERS = ("sendgrid", "python-http-client", "orjson", "sqlalchemy")


def table(figures: Sequence[Figure]) -> str:
    """The report as a Markdown table."""
    rows = [("what", "median", "floor or peer", "ratio", "bar")]
    rows += [(f.what, f.value, f.beside, f.ratio, f.bar) for f in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])


def write(figures: Sequence[Figure], folder: Path = FOLDER) -> None:
    """`report.json`, `report.md` and `report.svg`."""
    report = as_data(figures)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_bytes(orjson.dumps(report, option=orjson.OPT_INDENT_2) + b"\n")
    (folder / "report.md").write_text(_page(figures, report), "utf-8")
    (folder / "report.svg").write_text(chart(report), "utf-8")


def as_data(figures: Sequence[Figure]) -> dict[str, Any]:
    """Every figure under its key, the peers' of the same run apart, and what it was measured on."""
    data: dict[str, Any] = {key: value for figure in figures for key, value in figure.keys.items()}
    return data | {
        "peers": {key: value for figure in figures for key, value in figure.peers.items()},
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "cores": os.cpu_count(),
        "versions": {
            "python": platform.python_version(),
            "sqlite": sqlite3.sqlite_version,
            **{name: version(name) for name in _PEERS},
        },
    }


def _page(figures: Sequence[Figure], report: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in report["versions"].items())
    return (
        f"# Benchmarks\n\nMeasured by `make bench` on {report['date']}, {report['cores']} cores; {versions}. Ratios are to the"
        " floor or the peer of the same run; how they are measured stands in `benchmarks/README.md`.\n\n"
        f"{table(figures)}\n\n![The figures as shares of their bars](report.svg)\n"
    )

"""The benchmarks run; what they measure is nobody's test."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks.chart import chart
from benchmarks.measuring import Figure
from benchmarks.report import write

pytestmark = pytest.mark.proof

ROOT = Path(__file__).parents[2]


def test_the_short_form_of_the_benchmarks_prints_its_table() -> None:
    reports = ROOT / "docs" / "benchmarks"
    before = sorted((path, path.stat().st_mtime_ns) for path in reports.glob("*"))
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--short"], cwd=ROOT, capture_output=True, text=True, timeout=300, check=True
    )
    for what in (
        "`digest --help`",
        "MIME message",
        "selection",
        "plan 100",
        "import 100 rows (mailchimp, postgresql)",
        "SendGrid",
        "growth",
        "long tail",
        "desk: home",
        "events received",
    ):
        assert f"| {what}" in ran.stdout
    assert sorted((path, path.stat().st_mtime_ns) for path in reports.glob("*")) == before


def test_the_report_holds_every_figure_with_what_it_was_measured_beside(tmp_path: Path) -> None:
    figure = Figure("plan", "3 s", "another 6 s", "2 ×", "≤ 6 s", {"plan_1e6_seconds": 3.0}, {"another_seconds": 6.0})
    write([figure], tmp_path)
    report = json.loads((tmp_path / "report.json").read_text("utf-8"))
    assert report["plan_1e6_seconds"] == 3.0
    assert report["peers"] == {"another_seconds": 6.0}
    assert {"date", "cores", "versions"} < report.keys()
    assert "| plan | 3 s    | another 6 s" in (tmp_path / "report.md").read_text("utf-8")


def test_the_chart_is_an_image_that_tells_what_falls_short() -> None:
    drawn = ElementTree.fromstring(chart({"plan_1e6_seconds": 12.0, "help_seconds": 0.1}))
    kinds = [element.get("class") for element in drawn.iter("{http://www.w3.org/2000/svg}rect")]
    assert kinds == ["short", "bar"]

"""The benchmarks run; what they measure is nobody's test."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.proof

ROOT = Path(__file__).parents[2]


def test_the_short_form_of_the_benchmarks_prints_its_table() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--short"], cwd=ROOT, capture_output=True, text=True, timeout=120, check=True
    )
    assert "| plan 100 deliveries" in ran.stdout
    assert "MIME message" in ran.stdout

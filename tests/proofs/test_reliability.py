"""The report of reliability says what every proof told, and is not written of less."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.proofs.reliability import LARGE, PROOFS, report

NOW = datetime(2026, 11, 26, 20, tzinfo=UTC)
TOLD = [f"{beginning}: sqlite smtp: kills 5, messages 100" for _, beginning, _ in PROOFS]


def test_every_proof_is_in_it_with_the_command_and_its_counts() -> None:
    written = report([*TOLD, "mutant: resend: arrived twice: {'a': 2}"], NOW, NOW + timedelta(minutes=40), LARGE)
    assert "begun 2026-11-26 20:00 UTC, took 40 minutes" in written
    assert "DIGEST_CRASH_LOOP=10000 DIGEST_SIMULATIONS=100000 DIGEST_FAULTS=all pytest -m proof -p no:randomly -n 2" in written
    assert written.count("- sqlite smtp: kills 5, messages 100") == len(PROOFS)
    assert "- resend: arrived twice: {'a': 2}" in written
    assert "nobody gets an issue twice, nobody" in written  # as the crash loop says of itself


def test_a_proof_that_told_nothing_stops_it() -> None:
    with pytest.raises(SystemExit, match=r"test_mutants\.py told nothing"):
        report([line for line in TOLD if not line.startswith("mutant")], NOW, NOW, LARGE)

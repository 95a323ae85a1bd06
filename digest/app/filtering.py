"""Asking SpamAssassin, where it is installed, what it thinks of a mail: its own rules alone, nothing goes over the network."""

from __future__ import annotations

import re
import shutil
import subprocess

from digest.checks.mail import SpamReport

PROGRAM = "spamassassin"
DEADLINE = 60.0  # seconds; it takes one or two
_SCORE = re.compile(r"^Content analysis details:\s+\((-?[\d.]+) points, (-?[\d.]+) required\)", re.MULTILINE)
_RULE = re.compile(r"^\s*(-?\d+\.\d+)\s+([A-Z][A-Z0-9_]+)\b", re.MULTILINE)


def ask_filter(message: bytes) -> SpamReport | str:
    """SpamAssassin's verdict; or why there is none."""
    program = shutil.which(PROGRAM)
    if program is None:
        return "SpamAssassin is not installed, so nobody asked it"
    try:
        done = subprocess.run(  # noqa: S603  # a program that the operator installed, found on the path
            [program, "-L", "-x", "-t"], input=message, capture_output=True, timeout=DEADLINE, check=False
        )
    except subprocess.TimeoutExpired:
        return f"SpamAssassin had not answered after {DEADLINE:.0f} seconds"
    except OSError as error:
        return f"SpamAssassin could not be started: {error.strerror}"
    report = done.stdout.decode(errors="replace")
    score = _SCORE.search(report)
    if score is None:
        return f"SpamAssassin gave no verdict: {(done.stderr.decode(errors='replace').strip().splitlines() or ['it said nothing'])[-1]}"
    rules = tuple((name, float(points)) for points, name in _RULE.findall(report[score.end() :]) if float(points))
    return SpamReport(float(score[1]), float(score[2]), rules)

"""A child process with bounds: what crashes, hangs or grows in it stays in it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from digest.errors import TemplateError

DEADLINE = 20.0
"""Seconds a template may take to compile and to be tried."""
MEMORY = 512
"""Megabytes of memory it may take."""

_HERE = str(Path(__file__).parents[2])
_BEGIN = """
import resource, sys
if {here!r} not in sys.path:  # this very Digest, wherever it was started from
    sys.path.insert(0, {here!r})
for what, bound in ((resource.RLIMIT_AS, {memory}), (resource.RLIMIT_CORE, 0)):
    try:
        resource.setrlimit(what, (bound, bound))
    except (ValueError, OSError):  # a system that has no such bound
        pass
"""


def stage(name: str) -> None:
    """Within the child: say what begins, so that an end without a word can be told from another."""
    sys.stderr.write(f"@{name}\n")
    sys.stderr.flush()


def run_confined(code: str, given: bytes, file: str) -> bytes:
    """What a program in a child process writes to its standard output; `file` is whom to blame where it ends otherwise."""
    command = [sys.executable, "-I", "-c", _BEGIN.format(here=_HERE, memory=MEMORY * 1024 * 1024) + code]
    try:
        child = subprocess.run(command, input=given, capture_output=True, timeout=DEADLINE, check=False)  # noqa: S603  # our own program
    except subprocess.TimeoutExpired as error:
        last, _ = _said(error.stderr)
        raise TemplateError(f"{file}: {last} had not finished after {DEADLINE:.0f} seconds: make the template simpler") from error
    last, words = _said(child.stderr)
    if child.returncode < 0 or words.startswith("MemoryError"):
        ending = f"signal {-child.returncode}" if child.returncode < 0 else words
        advice = "look for very deep nesting, and for what grows with each tag"
        raise TemplateError(f"{file}: {last} crashed, or needed more than {MEMORY} MB ({ending}): {advice}")
    if child.returncode:
        raise TemplateError(f"{file}: {last} gave up: {words or 'without a reason'}")
    return child.stdout


def _said(errors: bytes | None) -> tuple[str, str]:
    """The last stage, and the last line that is none."""
    lines = (errors or b"").decode(errors="replace").strip().splitlines()
    stages = [line[1:] for line in lines if line.startswith("@")]
    words = [line for line in lines if not line.startswith("@")]
    return stages[-1] if stages else "it", words[-1] if words else ""

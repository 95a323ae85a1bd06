"""Start-up: `digest --help` as a whole process, beside an empty Python."""

from __future__ import annotations

import subprocess
import sys

from benchmarks.measuring import Figure, paired

_HELP = "import sys; from digest.cli import main; sys.argv = ['digest', '--help']; main()"


def start_up(runs: int) -> list[Figure]:
    """How long somebody waits for `digest --help`."""
    helped, bare, ratio = paired(lambda: _python(_HELP), lambda: _python(""), runs)
    return [
        Figure(
            "`digest --help`",
            f"{helped:.2f} s",
            f"an empty Python {bare:.3f} s",
            f"{1 / ratio:.1f} × as long",
            "≤ 0.3 s",
            {"help_seconds": round(helped, 3)},
            {"empty_python_seconds": round(bare, 3)},
        )
    ]


def _python(script: str) -> None:
    subprocess.run([sys.executable, "-c", script], check=True, stdout=subprocess.DEVNULL)

"""The command line: reads arguments, calls the application, says what happened. No decision is taken here."""

from __future__ import annotations

import sys

from digest.errors import DigestError


def main() -> None:
    """The console script `digest`."""
    from digest.cli.commands import app

    try:
        app()
    except DigestError as error:
        sys.stderr.write(f"digest: {error}\n")
        raise SystemExit(error.exit_code) from None
    except BrokenPipeError:
        sys.stderr.close()
        raise SystemExit(0) from None

"""The command line: reads arguments, calls the application, says what happened. No decision is taken here."""

from __future__ import annotations

import errno
import io
import sys
from collections.abc import Callable
from functools import cache
from typing import Any

from digest.errors import DigestError

_WANTING = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EMFILE, errno.ENFILE, errno.EROFS}
"""What the machine lacks when a write fails in the middle of a file, where Python does not say which."""


def main() -> None:
    """The console script `digest`. Whatever was foreseen to go wrong is one line on standard error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # cron's locale may know no more than ASCII
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")

    from digest.cli.misuse import Misuse, complaint

    try:
        raise SystemExit(_commands()(standalone_mode=False))
    except DigestError as error:
        _fail(str(error), error.exit_code)
    except Misuse as error:
        _fail(complaint(error), 2)
    except BrokenPipeError:
        sys.stderr.close()
        raise SystemExit(0) from None
    except OSError as error:
        where = f"{error.filename}: " if error.filename is not None else ""
        if not where and error.errno not in _WANTING:
            raise
        _fail(f"{where}{error.strerror}; mend it and run the same again", 5)


@cache
def _commands() -> Callable[..., Any]:
    """The commands and their options as Typer reads them off functions, once in a process."""
    from typer.main import get_command

    from digest.cli.commands import app

    return get_command(app)


def _fail(line: str, code: int) -> None:
    from digest.cli.output import warn

    if line:
        warn(f"digest: {line}")
    raise SystemExit(code) from None

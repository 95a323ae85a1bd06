"""Log lines of a process that goes on and on: one line each, on standard error."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Mapping
from types import TracebackType

_Fault = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class _Discreet(logging.Formatter):
    """Of an error its kind and its lines of code, never its words: they may hold an address or a token."""

    def formatException(self, ei: _Fault) -> str:  # noqa: N802  # the library's own name
        """The traceback without what the exception says."""
        kind = "an error" if ei[0] is None else ei[0].__qualname__
        return "".join(traceback.format_tb(ei[2])) + kind


def write_log_lines(levels: Mapping[str, int]) -> None:
    """Write what these loggers say, each from a level on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Discreet("%(asctime)s %(name)s %(levelname)s %(message)s"))
    for name, level in levels.items():
        logging.getLogger(name).addHandler(handler)
        logging.getLogger(name).setLevel(level)

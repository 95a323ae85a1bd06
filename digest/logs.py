"""Loggers: what they are told is an event in words, what was done, and what it was about.

    _log = logger("digest.letters")
    _log.error("a letter waits: %s", why, action="letter_waits", letter=letter.id)

They are the standard library's underneath, so that libraries' own lines and ours take one way. How lines are written, and what
never stands in one, is decided in `digest/app/log_lines.py`.
"""

from __future__ import annotations

import logging
from typing import Any

import structlog


def logger(name: str) -> Any:
    """The logger of a name; `action` and what else is named become the line's fields."""
    return structlog.wrap_logger(
        logging.getLogger(name),
        wrapper_class=structlog.stdlib.BoundLogger,
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.render_to_log_kwargs,
        ],
    )

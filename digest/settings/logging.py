"""What can be configured of log lines: the table `[logging]`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from digest.settings.table import Table


class Logging(Table):
    """The log lines of `digest serve` and of what else runs for long, on standard error."""

    format: Literal["console", "json"] = Field(
        "console", description="`console` for people and the journal, `json` (an object a line) for what collects lines."
    )
    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least that is written. Addresses are hashed and secrets masked at every level."
    )

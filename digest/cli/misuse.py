"""Misuse: what Typer complains of in the arguments, as one line."""

from __future__ import annotations

from typing import Any

import typer

Misuse: type[Exception]
(Misuse,) = typer.BadParameter.__bases__  # UsageError: Typer's own, or Click's in an older Typer; neither names it in public


def complaint(misuse: Any) -> str:
    """What is wrong, and which help tells more. A group without a command shows its help instead, and nothing is wrong with it."""
    if type(misuse).__name__ == "NoArgsIsHelpError":
        misuse.show()
        return ""
    said = " ".join(misuse.format_message().split()).rstrip(".")
    command = misuse.ctx.command_path if misuse.ctx is not None else "digest"
    return f"{said}; `{command} --help` tells more"

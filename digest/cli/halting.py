"""`digest halt`: the kill switch."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from digest.cli.options import Config, Json, actor, application
from digest.cli.output import print_json, say


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(halt)


def halt(
    reason: Annotated[str, typer.Argument(metavar="[REASON]", help="Why; said wherever something would have been sent.")] = "",
    lift: Annotated[bool, typer.Option("--lift", help="Let sending go on.")] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Stop all sending, at once and everywhere, until `--lift`. What is in flight is finished; runs still fetch and draft."""
    from digest.delivery import halting
    from digest.errors import UsageError

    if lift and reason:
        raise UsageError("--lift takes no reason; leave one of them out")
    now = datetime.now(UTC)
    with application(config) as app, app.store.writing() as connection:
        lifted = halting.lift(connection, actor(), now) if lift else 0
        found = None if lift else halting.halt(connection, reason or "halted by hand", actor(), now)
    if as_json:
        print_json({"halted": found is not None, "reason": found.reason if found else None, "lifted": lifted})
    elif found is not None:
        say(f"{found}; `digest halt --lift` lets it go on")
    else:
        say("sending goes on with the next run or send" if lifted else "nothing was halted")

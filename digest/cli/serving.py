"""`digest serve`: the pages."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from digest.cli.lasting import lasting
from digest.cli.options import Config, Now
from digest.cli.output import say


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(serve)


def serve(
    host: Annotated[str, typer.Option("--host", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="The port; 0 takes any that is free.", min=0, max=65535)] = 8000,
    scheduler: Annotated[
        bool,
        typer.Option("--scheduler/--no-scheduler", help="Whether it runs by itself, as `digest scheduler` does."),
    ] = True,
    config: Config = None,
    now: Now = None,
) -> None:
    """Answer subscribers' links, send letters, and run when it is time, until SIGTERM or Ctrl-C. A proxy stands in front of it.

    SIGHUP reads the configuration again.
    """
    from digest.cli.scheduling import run
    from digest.web import serving

    with lasting(config, now) as process, serving.listen(host, port) as listening:
        say(f"serving on http://{'[' + host + ']' if ':' in host else host}:{listening.getsockname()[1]}")
        sys.stdout.flush()
        serving.serve(process, listening, run if scheduler else None)

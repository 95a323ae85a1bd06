"""`digest serve`: the pages."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from digest.cli.options import Config, Now, application, configuration_file, moment
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
    from digest.app.rereading import Configuration
    from digest.cli.progress import draining, rereading
    from digest.cli.scheduling import run
    from digest.web import serving

    began = datetime.now(UTC)
    ahead = (moment(now) or began) - began  # --now is where the clock of decisions begins, and it goes on
    with application(config) as app, draining(app.stop), rereading() as asked, serving.listen(host, port) as listening:
        say(f"serving on http://{'[' + host + ']' if ':' in host else host}:{listening.getsockname()[1]}")
        sys.stdout.flush()
        serving.serve(
            Configuration(app.settings, configuration_file(config)),
            app.store,
            listening,
            clock=lambda: datetime.now(UTC) + ahead,
            stop=app.stop,
            reread=asked,
            run=run if scheduler else None,
        )

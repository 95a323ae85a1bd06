"""`digest serve`: the pages."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli.options import Config, Now, application, moment
from digest.cli.output import say

if TYPE_CHECKING:
    from digest.app import App


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(serve)


def serve(
    host: Annotated[str, typer.Option("--host", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="The port; 0 takes any that is free.", min=0, max=65535)] = 8000,
    scheduler: Annotated[
        bool,
        typer.Option("--scheduler/--no-scheduler", help="Whether it runs by itself, at each slot and each quarter of an hour."),
    ] = True,
    config: Config = None,
    now: Now = None,
) -> None:
    """Answer subscribers' links, send letters, and run when it is time, until SIGTERM or Ctrl-C. A proxy stands in front of it."""
    from digest.cli.progress import draining
    from digest.web import serving

    began = datetime.now(UTC)
    ahead = (moment(now) or began) - began  # --now is where the clock of decisions begins, and it goes on
    with application(config) as app, draining(app.stop), serving.listen(host, port) as listening:
        say(f"serving on http://{'[' + host + ']' if ':' in host else host}:{listening.getsockname()[1]}")
        sys.stdout.flush()
        run = _run if scheduler else None
        serving.serve(app.settings, app.store, listening, clock=lambda: datetime.now(UTC) + ahead, stop=app.stop, run=run)


def _run(app: App) -> None:
    """What `digest run` does, with its lines; a dry run where the provider is one."""
    from contextlib import nullcontext

    from digest.app import running
    from digest.cli.reports import run_lines

    dry = not app.sends_for_real
    with app.rehearsing() if dry else nullcontext(app) as at_work:
        ran = running.run(at_work, None, lambda _: None)
        folders = {one.issue.name: str(at_work.outbox.folder(one.issue)) for one in ran.handled if at_work.outbox and one.sent}
    if ran.handled or ran.waiting or ran.letters or ran.heard.any or ran.halted or ran.fetched.failed:
        for line in run_lines(ran, folders, dry_run=dry):
            say(line.removeprefix("!"))
        sys.stdout.flush()

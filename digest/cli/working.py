"""`digest worker`: one of several processes that send."""

from __future__ import annotations

import sys

import typer

from digest.cli.lasting import lasting
from digest.cli.options import Config, Now
from digest.cli.output import say


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(worker)


def worker(config: Config = None, now: Now = None) -> None:
    """Send with others what runs have planned, until SIGTERM or Ctrl-C; needs PostgreSQL and delivery.engine = "workers".

    SIGHUP reads the configuration again.
    """
    from digest.app.working import Worker

    with lasting(config, now) as process:
        at_work = Worker(process.app, process.stop, _say)
        process.heed(at_work.look_again)
        at_work.run()


def _say(line: str) -> None:
    """A log is read while it is written."""
    say(line)
    sys.stdout.flush()

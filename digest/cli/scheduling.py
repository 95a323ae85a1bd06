"""`digest scheduler`: what cron would do, by itself; and the runs that it and `digest serve` make."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING

import typer

from digest.cli.lasting import lasting
from digest.cli.options import Config, Now
from digest.cli.output import say

if TYPE_CHECKING:
    from digest.app import App
    from digest.app.fetching import Fetched


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(scheduler)


def scheduler(config: Config = None, now: Now = None) -> None:
    """Run at each slot and by its own rhythm, read sources, send letters, until SIGTERM or Ctrl-C; SIGHUP reads the configuration again.

    It does what `digest run` does, so cron beside it does no harm.
    """
    from digest.app.carrying import carrier
    from digest.app.processing import processor
    from digest.app.scheduling import Scheduler
    from digest.app.timetable import Jobs

    with lasting(config, now) as process:
        make, stop = process.app, process.stop
        schedule = Scheduler(make, Jobs(run).all(), stop)
        threads = (carrier(make, stop), processor(make, stop), schedule)
        process.heed(schedule.look_again)
        for thread in threads:
            thread.start()
        say("scheduling")
        sys.stdout.flush()
        while not stop.wait(_LOOK):  # not for ever at once: a signal is heard between two waits
            pass
        for thread in threads:
            thread.join(_PATIENCE / len(threads))


_PATIENCE = 9.0  # seconds, for what is being done when told to end: it was told, too
_LOOK = 0.5


def run(app: App, lately: Fetched | None) -> int:
    """What `digest run` does, with its lines where there is something to tell; a dry run where the provider is one. Returns its exit code."""
    from digest.app import running
    from digest.cli.reports import exit_code_of_run, run_lines

    dry = not app.sends_for_real
    with app.rehearsing() if dry else nullcontext(app) as at_work:
        ran = running.run(at_work, None, lambda _: None, lately=None if dry else lately)
        folders = {one.issue.name: str(at_work.outbox.folder(one.issue)) for one in ran.handled if at_work.outbox and one.sent}
    if ran.has_news:
        for line in run_lines(ran, folders, dry_run=dry):
            say(line.removeprefix("!"))
        sys.stdout.flush()
    return exit_code_of_run(ran)

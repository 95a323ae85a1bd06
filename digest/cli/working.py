"""`digest worker`: one of several processes that send."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import typer

from digest.cli.options import Config, Now, application, configuration_file, moment
from digest.cli.output import say


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(worker)


def worker(config: Config = None, now: Now = None) -> None:
    """Send with others what runs have planned, until SIGTERM or Ctrl-C; needs PostgreSQL and delivery.engine = "workers".

    SIGHUP reads the configuration again.
    """

    from digest.app.log_lines import write_log_lines
    from digest.app.rereading import Configuration, Rereader
    from digest.app.wiring import App
    from digest.app.working import Worker
    from digest.cli.progress import draining, rereading

    began = datetime.now(UTC)
    ahead = (moment(now) or began) - began  # --now is where the clock of decisions begins, and it goes on
    with application(config) as app, draining(app.stop), rereading() as asked:
        write_log_lines(app.settings)
        configuration = Configuration(app.settings, configuration_file(config))

        def make() -> App:
            return App(configuration.settings, app.store, datetime.now(UTC) + ahead, stop=app.stop)

        at_work = Worker(make, app.stop, _say)
        hearers = (at_work.look_again, lambda: write_log_lines(configuration.settings))
        Rereader(configuration, make, asked, app.stop, hearers).start()
        at_work.run()


def _say(line: str) -> None:
    """A log is read while it is written."""
    say(line)
    sys.stdout.flush()

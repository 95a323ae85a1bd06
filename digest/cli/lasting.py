"""Commands that go on until SIGTERM or Ctrl-C, and read their configuration again at SIGHUP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from digest.cli.options import application, configuration_file, moment

if TYPE_CHECKING:
    from digest.app.lasting import Lasting


@contextmanager
def lasting(config: Path | None, now: str | None) -> Iterator[Lasting]:
    """A process that goes on. `now` is where the clock of decisions begins."""
    from digest.app.lasting import Lasting
    from digest.app.rereading import Configuration
    from digest.cli.progress import draining, rereading

    began = datetime.now(UTC)
    ahead = (moment(now) or began) - began
    with application(config) as app, draining(app.stop), rereading() as asked:
        yield Lasting(app.store, Configuration(app.settings, configuration_file(config)), app.stop, asked, ahead)

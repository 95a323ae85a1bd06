"""A process that goes on until it is told to end: an application of each moment, and a configuration that is read again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Event

from digest.app.log_lines import write_log_lines
from digest.app.rereading import Configuration, Rereader
from digest.app.wiring import App
from digest.settings import Settings
from digest.store.database import Store


@dataclass(frozen=True, slots=True)
class Lasting:
    """It ends when `stop` is set, and reads its configuration again when `asked` is. Its clock is `ahead` of the real one."""

    store: Store
    configuration: Configuration
    stop: Event
    asked: Event
    ahead: timedelta

    @property
    def settings(self) -> Settings:
        """Those of this moment."""
        return self.configuration.settings

    def clock(self) -> datetime:
        """The time of decisions."""
        return datetime.now(UTC) + self.ahead

    def app(self) -> App:
        """An application of this moment, as it is configured by now."""
        return App(self.settings, self.store, self.clock(), stop=self.stop)

    def heed(self, *hearers: Callable[[], None]) -> None:
        """Write log lines as configured. Whenever it is asked for, read the configuration again and tell the `hearers`: what one of them
        refuses is not taken up, and then log lines stay as they are, too."""
        write_log_lines(self.settings)
        Rereader(self.configuration, self.app, self.asked, self.stop, (*hearers, self._write_log_lines_again)).start()

    def _write_log_lines_again(self) -> None:
        write_log_lines(self.settings, again=True)

"""Rereading: the configuration of a process that goes on, taken up whole when it was changed, or not at all."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from operator import attrgetter
from pathlib import Path

from digest.app.wiring import App
from digest.errors import UsageError
from digest.settings import Settings
from digest.settings.reading import read_settings

_log = logging.getLogger("digest.configuration")
_LOOK = 0.25  # seconds between two looks whether it is to be read again, or at its end
_FOR_LIFE = ("database", "secret_key", "former_secret_keys", "project", "pages.trusted_proxies", "error_reports", "tracing")


class Configuration:
    """The settings in force. `file` is where they were read from."""

    def __init__(self, settings: Settings, file: Path | None) -> None:
        self._settings, self._file = settings, file

    @property
    def settings(self) -> Settings:
        """Those of this moment: whoever needs two of them asks once."""
        return self._settings

    def reread(self, app: App) -> None:
        """Take up what is configured by now. `UsageError` with every line that is wrong, and then nothing has changed."""
        anew = read_settings(self._file)
        for name in _FOR_LIFE:
            if attrgetter(name)(anew) != attrgetter(name)(self._settings):
                raise UsageError(f"{name}: it is another one now, and cannot change while this runs; start it again")
        App(anew, app.store, app.now).providers()  # what they lack is said before anything is done
        self._settings = anew

    def go_back(self, settings: Settings) -> None:
        """To those that were in force before."""
        self._settings = settings


class Rereader:
    """A thread that reads the configuration again when `asked` is set, and tells the `hearers` where it has changed."""

    def __init__(
        self,
        configuration: Configuration,
        make: Callable[[], App],
        asked: threading.Event,
        stop: threading.Event,
        hearers: tuple[Callable[[], None], ...] = (),
    ) -> None:
        self._configuration, self._make, self._asked, self._stop = configuration, make, asked, stop
        self._hearers = hearers
        self._thread = threading.Thread(target=self._listen, name="configuration", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def _listen(self) -> None:
        while not self._stop.is_set():
            if self._asked.wait(_LOOK):
                self._asked.clear()
                self._read()

    def _read(self) -> None:
        before = self._configuration.settings
        try:
            self._configuration.reread(self._make())
            for hear in self._hearers:
                hear()
        except UsageError as error:  # the file is wrong, or not for a process of this kind
            self._configuration.go_back(before)
            _log.error("the configuration was refused, and the one before stays in force: %s", error)
        except Exception as error:  # whoever cannot live with it: then nobody does
            self._configuration.go_back(before)
            _log.error("the configuration was not taken up, and the one before stays in force: %s", type(error).__name__)
        else:
            _log.info("the configuration was read again, and is in force")

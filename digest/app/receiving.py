"""Receiving: what a provider posts is verified and committed, and then it is answered. Nothing of it is read here.

Many that come at once are committed together: whoever comes first while nobody writes, writes for all who wait.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from digest.delivery import reports
from digest.delivery.providers.registry import make_webhook, webhook_names
from digest.delivery.providers.webhook import NotGenuine, Posted, Webhook
from digest.delivery.reports import NewReport
from digest.errors import Refused
from digest.logs import logger
from digest.settings import Settings
from digest.store.database import Store

_log = logger("digest.webhooks")
_SAID_EVERY = 60.0  # seconds between two lines about the same


class NoKey(Refused):
    """Nothing of this provider is taken before a key is configured."""


class Reception:
    """The webhooks of a project. `wake` is told of what is there to be read; `clock` is real time."""

    def __init__(self, settings: Settings, store: Store, wake: Callable[[], None] = lambda: None) -> None:
        self._webhooks: Mapping[str, Webhook | None] = {name: make_webhook(name, settings) for name in webhook_names()}
        self._inlet, self._wake, self._said = _Inlet(store), wake, _Seldom()

    def __contains__(self, name: object) -> bool:
        return name in self._webhooks

    def refuse_keyless(self, name: str) -> None:
        """Raises `NoKey` for a provider without a key: nobody has to read what is posted."""
        if self._webhooks[name] is None:
            self._said.warn(
                name, "a report to /webhooks/%s was refused: no key is configured for it; docs/providers/%s.md says how"
            )
            raise NoKey(f"no key is configured for {name}")

    def receive(self, name: str, posted: Posted) -> None:
        """Verify and commit; raises `NotGenuine`, or `Unreachable` when the store is."""
        webhook = self._webhooks[name]
        if webhook is None:
            raise NoKey(f"no key is configured for {name}")
        real = datetime.now(UTC)
        try:
            identity = webhook.verify(posted, real)
        except NotGenuine as error:
            self._said.warn(name, f"a report to /webhooks/%s was refused: it {error}; docs/providers/%s.md says how it is set up")
            raise
        self._inlet.put(NewReport(name, real, identity, posted.body))
        self._wake()


class _Seldom:
    """Says a thing once a minute, however often it happens."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str], float] = {}

    def warn(self, name: str, line: str) -> None:
        now = time.monotonic()
        if now - self._last.get((name, line), -_SAID_EVERY) >= _SAID_EVERY:
            if len(self._last) > 100:
                self._last.clear()
            self._last[name, line] = now
            _log.warning(line, name, name, action="report_refused", provider=name)


class _Waiting:
    """One report on its way into the store."""

    __slots__ = ("done", "failed", "report")

    def __init__(self, report: NewReport) -> None:
        self.report, self.done = report, False
        self.failed: Exception | None = None


class _Inlet:
    """Puts reports into the store, many in one commit."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._queue: list[_Waiting] = []
        self._queueing, self._writing = threading.Lock(), threading.Lock()

    def put(self, report: NewReport) -> None:
        """Return when it is committed; raise what kept it from that."""
        mine = _Waiting(report)
        with self._queueing:
            self._queue.append(mine)
        with self._writing:
            if not mine.done:
                with self._queueing:
                    taken, self._queue = self._queue, []
                self._commit(taken)
        if mine.failed is not None:
            raise mine.failed

    def _commit(self, taken: list[_Waiting]) -> None:
        try:
            with self._store.writing() as connection:
                reports.keep(connection, [one.report for one in taken])
        except Exception as error:  # whoever waits is told
            for one in taken:
                one.failed = error
        for one in taken:
            one.done = True

"""The site: what every handler is given. Each request has an application of its own, with its own time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from starlette.requests import Request

from digest.app import App
from digest.app.conducting import Outgoing
from digest.app.identifying import Vouching
from digest.app.receiving import Reception
from digest.audience.consent import Evidence, Source
from digest.audience.origin import network_of
from digest.settings import Settings
from digest.store.database import Store
from digest.web.desk.counted import Counted
from digest.web.desk.present import Present
from digest.web.desk.progress import Ear
from digest.web.desk.watching import Watch
from digest.web.showing import Showing


@dataclass(frozen=True, slots=True)
class Site:
    """One project's pages. `clock` is the clock of decisions."""

    settings: Settings
    store: Store
    clock: Callable[[], datetime]
    showing: Showing
    wake: Callable[[], None]
    """Says that a letter waits."""
    reception: Reception
    """Takes what providers report."""
    present: Present = field(default_factory=Present)
    """Who has which page of the desk open."""
    counted: Counted = field(default_factory=Counted)
    """How many an issue at the desk is for."""
    outgoing: Outgoing = field(default_factory=Outgoing)
    """Sends what editors want to be sent now."""
    watch: Watch = field(default_factory=Watch)
    """Looks at issues that go out, for those who listen."""
    ear: Ear = field(default_factory=Ear)
    """Counts those."""
    openid: Vouching | None = None
    """Vouches for editors beside their mailbox, where one is configured."""

    def app(self) -> App:
        """The application as it stands at this moment."""
        return App(self.settings, self.store, self.clock())


def network(request: Request) -> str | None:
    """The network that a request came from; behind a proxy that is trusted, the one it names."""
    return network_of(request.client.host if request.client else None)


def evidence(request: Request, source: Source = Source.PAGE) -> Evidence:
    """What a request proves."""
    return Evidence(source, network(request))


def prefix_of(public_url: str) -> str:
    """What stands before every path, where the pages do not live at the root of their host."""
    return urlsplit(public_url).path.rstrip("/")

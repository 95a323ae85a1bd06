"""Visiting: how a source asks for its pages. Polite to hosts, and no more than was not seen yet.

One `Visits` serves all sources of a run. What it fetches goes through `digest.catalogue.fetching.fetch`, always.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from digest import __version__
from digest.catalogue.hosts import Hosts
from digest.catalogue.memory import Memory
from digest.errors import Unreachable
from digest.settings import SourceSettings

if TYPE_CHECKING:  # what speaks HTTP is loaded when something is fetched, and not for every command
    from digest.catalogue.fetching import Bounds, Page

# A server may ask for a pause of any length; a source is not silenced for longer than this.
LONGEST_PAUSE = timedelta(days=1)


class Paused(Unreachable):
    """The server asked to be left alone; `until` when."""

    def __init__(self, message: str, until: datetime) -> None:
        super().__init__(message)
        self.until = until


@dataclass(frozen=True, slots=True)
class Visits:
    """The fetches of one run: who asks, at what cost, and what is known from earlier runs, by the sources' names.

    `paused` are the times before which sources asked not to be visited.
    """

    now: datetime | None = None
    user_agent: str | None = None
    bounds: Bounds | None = None
    memories: Mapping[str, Memory] = field(default_factory=dict)
    paused: Mapping[str, datetime] = field(default_factory=dict)
    hosts: Hosts = field(default_factory=Hosts)
    fetch: Callable[..., Page] | None = None

    def memory(self, settings: SourceSettings) -> Memory:
        """What this source remembers, empty at its first fetch."""
        return self.memories.get(settings.name) or Memory.of(None, settings)

    def front_page(self, settings: SourceSettings) -> tuple[Page, Memory]:
        """The page at the source's `url`, only when it is another than last time; and what to remember of it.

        An address that moved for good is asked at its new place; when that fails, the next run begins at the old one.
        """
        memory = self.memory(settings)
        place = memory.moved_to or str(settings.url)
        page = self.page(settings, place, etag=memory.etag, last_modified=memory.last_modified)
        kept = replace(memory, moved_to=page.moved_to or memory.moved_to)
        if page.not_modified:
            return page, kept
        return page, replace(kept, etag=page.etag, last_modified=page.last_modified)

    def page(
        self,
        settings: SourceSettings,
        url: str,
        *,
        accept: str | None = None,
        etag: str | None = None,
        last_modified: str | None = None,
        hear: tuple[str, ...] = (),
        hear_why: bool = False,
        private_host: str | None = None,
    ) -> Page:
        """One page on behalf of a source. Raises `Unreachable`; as `Paused` where the server said for how long.

        With `private_host` no other host may have a private address, whatever the source's `allow_private` says.
        """
        from digest.catalogue import fetching

        now = self.now or datetime.now(UTC)
        if (until := self.paused.get(settings.name)) is not None and now < until:
            raise Paused(f"its server asked not to be visited before {_told(until)}", until)
        asking = fetching.Asking(
            user_agent=self.user_agent or fetching.USER_AGENT,
            accept=accept or fetching.ACCEPT,
            etag=etag,
            last_modified=last_modified,
            hear=hear,
            hear_why=hear_why,
        )
        fetch = self.fetch or fetching.fetch
        try:
            allowed = private_host if settings.allow_private and private_host is not None else settings.allow_private
            return fetch(url, allow_private=allowed, bounds=self.bounds, asking=asking, turn=self.hosts.turn)
        except fetching.Postponed as error:
            if (until := pause_ends(error.retry_after, now)) is None:
                raise
            raise Paused(f"{error} and asked not to be visited before {_told(until)}", until) from None


def user_agent(site: str) -> str:
    """How we call ourselves to servers: what we are, and whom to ask about it."""
    return f"Digest/{__version__} (newsletter digest builder; reads feeds; +{site})"


def pause_ends(retry_after: str, now: datetime) -> datetime | None:
    """When a Retry-After header (RFC 9110, 10.2.3) lets us come again; None when it makes no sense. At most a day away."""
    text = retry_after.strip()
    try:
        pause = timedelta(seconds=int(text[:9])) if text.isdecimal() else _date(text) - now
    except (ValueError, TypeError, OverflowError):
        return None
    return now + min(max(pause, timedelta(0)), LONGEST_PAUSE)


def _date(text: str) -> datetime:
    from email.utils import parsedate_to_datetime

    when = parsedate_to_datetime(text)
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when


def _told(when: datetime) -> str:
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M} UTC"

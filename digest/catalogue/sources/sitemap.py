"""The source kind `sitemap`: the new pages of a site by its sitemap, each read for its Open Graph tags. The last resort.

The first fetch reads the newest `limit` pages and takes note of the others; later ones read pages that were not listed
before, `limit` at a time, what is over in the next runs. A page that fails is tried again for a week, behind the new ones.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from digest.catalogue.memory import Memory
from digest.catalogue.sources.collecting import collect
from digest.catalogue.sources.listing import LONGEST as LONGEST_MAPS
from digest.catalogue.sources.listing import Listing, Maps
from digest.catalogue.sources.open_graph import article
from digest.catalogue.sources.port import Fault, Reading, SourceContext
from digest.catalogue.visiting import Paused
from digest.errors import Unreachable
from digest.settings import SourceSettings

MAX_KNOWN = 100_000
LONGEST = 120.0  # seconds a fetch may spend on pages; what it does not come to is read by the next one
TRIED_FOR = timedelta(days=7)
# In the memory of pages: what was read has an empty text, what failed the day on which it first did.
_READ = ""
_OF = "sitemap"  # which sitemap they are of


@dataclass(slots=True)
class _Read:
    """What came of the pages that were chosen."""

    raws: list[dict[str, Any]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    paused_until: datetime | None = None


class Sitemap:
    """The pages that the sitemap at `url`, or the ones it names, list below `under`."""

    def __init__(self, settings: SourceSettings, context: SourceContext, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._context = context
        self._clock = clock
        self._maps = Maps(settings, context, clock)
        self._today = (context.visits.now or datetime.now(UTC)).astimezone(UTC).date()

    def read(self) -> Reading:
        """The articles among the new pages; a page that is none, or cannot be read, stops only itself."""
        listed = self._maps.listing()
        memory = self._context.visits.memory(self._settings)
        known = memory.pages if memory.pages.get(_OF) == _mark(str(self._settings.url)) else {}
        if not known and listed.unread:
            raise Unreachable(
                f"the sitemap names too many others: {listed.unread} were not come to within {LONGEST_MAPS:g} seconds, and the"
                f" first fetch needs them all; make one of them the `url` of source '{self._settings.name}'"
            )
        if listed.others and not listed.pages:  # most likely a slip: nothing is taken note of, so that it can be corrected
            return replace(collect((), self._settings, self._context, faults=listed.faults), memory=memory)
        return self._reading(listed, memory, known)

    def _reading(self, listed: Listing, memory: Memory, known: Mapping[str, str]) -> Reading:
        newest = sorted(listed.pages, key=lambda address: listed.pages[address], reverse=True)
        new = [address for address in newest if _mark(address) not in known]
        failed = [address for address in newest if known.get(_mark(address), _READ) != _READ]
        pages = _remembered(known, listed) | dict.fromkeys(map(_mark, listed.others), _READ)
        if not known:  # the first fetch: what is older counts as seen
            pages |= dict.fromkeys(map(_mark, new[self._settings.limit :]), _READ)
        read = self._articles([*new, *failed][: self._settings.limit], pages)
        waiting = sum(1 for address in new if _mark(address) not in pages)
        reading = collect(read.raws, self._settings, self._context, faults=[*listed.faults, *_waiting(waiting), *read.faults])
        kept = {_OF: _mark(str(self._settings.url)), **pages}
        return replace(reading, memory=replace(memory, pages=kept), paused_until=read.paused_until)

    def _articles(self, chosen: list[str], pages: dict[str, str]) -> _Read:
        """The articles of the chosen pages; `pages` is told what became of each."""
        read = _Read()
        end = self._clock() + LONGEST
        for address in chosen:
            if self._clock() >= end:
                break
            try:
                self._take(address, read)
            except Paused as pause:
                read.faults.append(Fault("page", "", str(pause), error=False))
                read.paused_until = pause.until
                break
            except Unreachable as error:
                since = _day(pages.get(_mark(address)), self._today)
                over = self._today - since >= TRIED_FOR
                pages[_mark(address)] = _READ if over else since.isoformat()
                read.faults.append(Fault("page", "", f"{error}{'; it is given up' if over else ''}"))
            else:
                pages[_mark(address)] = _READ
        return read

    def _take(self, address: str, read: _Read) -> None:
        page = self._context.visits.page(self._settings, address, accept="text/html", private_host=self._maps.private_host)
        raw = article(page.data, page.content_type, page.url)
        if raw is None:
            said = "does not call itself an article (og:type), and is left out"
            read.faults.append(Fault(f"page {page.place}", "", said, error=False))
        else:
            read.raws.append(raw | {"id": address})


def _waiting(count: int) -> list[Fault]:
    if not count:
        return []
    pages = "1 new page is" if count == 1 else f"{count:,} new pages are"
    return [Fault("sitemap", "", f"{pages} left for the next fetches", error=False)]


def _remembered(known: Mapping[str, str], listed: Listing) -> dict[str, str]:
    """What is known of pages, also of those that are not listed now: a sitemap that fails once makes no page a new one."""
    if len(known) <= MAX_KNOWN:
        return dict(known)
    marks = set(map(_mark, (*listed.pages, *listed.others)))
    return {mark: said for mark, said in known.items() if mark in marks}


def _day(text: str | None, today: date) -> date:
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return today


def _mark(address: str) -> str:
    return hashlib.sha256(address.encode()).hexdigest()[:12]

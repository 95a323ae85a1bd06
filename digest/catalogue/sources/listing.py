"""Listing: the pages that a sitemap lists, and the sitemaps that it names (sitemaps.org), told apart by what is wanted.

All maps of one sitemap stand under one clock. Where private addresses are allowed, only the sitemap's own host may be one:
whoever writes the map must not choose what else is asked within the network.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from digest.catalogue.address import canonical_url, web_address
from digest.catalogue.sources.parsers import Limits, Parsers
from digest.catalogue.sources.port import Fault, SourceContext
from digest.catalogue.visiting import Paused
from digest.errors import Unreachable
from digest.settings import SourceSettings

MAX_MAPS = 50
MAX_PAGES = 50_000
MAX_OTHERS = 100_000
LONGEST = 120.0  # seconds for all maps together
_SIZE = 50 * 1024 * 1024
_LIMITS = Limits(cpu=20, wall=30.0, elements=500_000, deepest=100)  # 50,000 pages with nine elements each
_MAP = "application/xml, text/xml;q=0.9, */*;q=0.5"


@dataclass(slots=True)
class Listing:
    """What the maps listed: addresses with the time of their last change, in the form it was written.

    `others` are the pages that are not wanted: those outside of `under`, and those of other hosts where only the sitemap's
    own is asked, which `elsewhere` counts. `unread` maps were not come to in time.
    """

    pages: dict[str, str] = field(default_factory=dict)
    others: set[str] = field(default_factory=set)
    elsewhere: int = 0
    unread: int = 0
    full: bool = False
    faults: list[Fault] = field(default_factory=list)


class Maps:
    """The sitemap at a source's `url`, and the ones it names."""

    def __init__(self, settings: SourceSettings, context: SourceContext, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._context = context
        self._clock = clock
        self._under = None if settings.under is None else canonical_url(settings.under)
        self._home = urlsplit(canonical_url(str(settings.url)))

    @property
    def private_host(self) -> str:
        """The only host that may have a private address."""
        return self._home.hostname or ""

    def listing(self) -> Listing:
        """What is listed now. A bad map among several stops only itself; raises `Unreachable` for the first one, and `Paused`."""
        found = Listing()
        end = self._clock() + LONGEST
        root = self._elements(str(self._settings.url))
        if _root(root) == "sitemapindex":
            self._take_maps(root, found, end)
        else:
            self._take(root, found)
        found.faults += self._remarks(found)
        return found

    def _take_maps(self, index: list[list[Any]], found: Listing, end: float) -> None:
        maps = sorted(_places(index), key=lambda place: place[1], reverse=True)
        if len(maps) > MAX_MAPS:
            found.faults.append(Fault("sitemap", "", f"names {len(maps):,} others; the newest {MAX_MAPS} are read", error=False))
        maps = maps[:MAX_MAPS]
        for number, (address, _) in enumerate(maps):
            if self._clock() >= end:
                found.unread = len(maps) - number
                return
            self._take_map(address, found)

    def _take_map(self, address: str, found: Listing) -> None:
        """One of the sitemaps that the first one names; a bad one stops only itself."""
        try:
            address = web_address(address)
            if self._is_elsewhere(address):
                raise ValueError(f"is of another host than {self._home.netloc}, which `allow_private` is for")
            self._take(self._elements(address), found)
        except Paused:
            raise
        except Unreachable as error:
            found.faults.append(Fault("sitemap", "", str(error)))
        except ValueError as error:
            found.faults.append(Fault("sitemap", "", f"names another whose address {error}"))

    def _take(self, elements: list[list[Any]], found: Listing) -> None:
        for address, changed in _places(elements):
            try:
                page = canonical_url(address)
            except ValueError:
                continue
            elsewhere = self._is_elsewhere(page)
            found.elsewhere += elsewhere
            if elsewhere or (self._under is not None and not page.startswith(self._under)):
                if len(found.others) < MAX_OTHERS:
                    found.others.add(page)
            elif len(found.pages) < MAX_PAGES:
                found.pages[page] = changed
            else:
                found.full = True

    def _is_elsewhere(self, address: str) -> bool:
        return self._settings.allow_private and urlsplit(canonical_url(address)).netloc != self._home.netloc

    def _remarks(self, found: Listing) -> list[Fault]:
        """What is said once for all maps."""
        said: list[Fault] = []
        if found.full:
            said.append(Fault("sitemap", "", f"lists more than {MAX_PAGES:,} pages; narrow it by `under`"))
        if found.unread:
            said.append(
                Fault("sitemap", "", f"names others, of which {found.unread} were not come to within {LONGEST:g} seconds", False)
            )
        if found.elsewhere:
            pages = "1 page is" if found.elsewhere == 1 else f"{found.elsewhere:,} pages are"
            why = f"with `allow_private` only {self._home.netloc} is asked"
            said.append(Fault("sitemap", "", f"{pages} on other hosts and left out: {why}", error=False))
        if self._under is not None and not found.pages and len(found.others) > found.elsewhere:
            said.append(Fault("sitemap", "under", f"none of its pages begins with {self._under}; correct `under`"))
        return said

    def _elements(self, address: str) -> list[list[Any]]:
        page = self._context.visits.page(self._settings, address, accept=_MAP, private_host=self.private_host)
        try:
            elements = _parsed(_unpacked(page.data), self._context.parsers)
            if _root(elements) not in {"sitemapindex", "urlset"}:
                raise Unreachable("is not a sitemap")
            return elements
        except Unreachable as error:
            raise Unreachable(f"{page.place}: {error}") from None


def _parsed(data: bytes, parsers: Parsers | None) -> list[list[Any]]:
    if parsers is None:
        with Parsers(1) as parsers:
            return _parsed(data, parsers)
    found = parsers.parse(data, None, None, _LIMITS, plain=True)
    if "refused" in found:
        raise Unreachable(str(found["refused"]))
    elements: list[list[Any]] = found["elements"]
    return elements


def _unpacked(data: bytes) -> bytes:
    """Sitemaps may be files in gzip; a bomb is refused as it unpacks."""
    if not data.startswith(b"\x1f\x8b"):
        return data
    unpacker = zlib.decompressobj(wbits=31)
    try:
        unpacked = unpacker.decompress(data, _SIZE + 1)
    except zlib.error as error:
        raise Unreachable(f"cannot be unpacked ({error})") from None
    if len(unpacked) > _SIZE:
        raise Unreachable(f"is larger than {_SIZE // 1024 // 1024} MB when unpacked")
    return unpacked


def _root(elements: list[list[Any]]) -> str:
    return str(elements[0][1]) if elements else ""


def _places(elements: list[list[Any]]) -> list[tuple[str, str]]:
    """Each `loc` with its `lastmod`, of the elements two levels down; pictures and videos have their own, deeper."""
    places: list[tuple[str, str]] = []
    for depth, name, _, text in elements:
        if depth == 2 and name == "loc":
            places.append((text.strip(), ""))
        elif depth == 2 and name == "lastmod" and places and not places[-1][1]:
            places[-1] = (places[-1][0], text.strip())
    return places

"""The source kind `sitemap`: the new pages of a site by its sitemap, each read for its Open Graph tags. The last resort.

The first fetch reads the newest `limit` pages and takes note of the others; later ones read pages that were not listed
before, `limit` at a time, what is over in the next runs. A page that fails three times is given up.
"""

from __future__ import annotations

import hashlib
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from digest.catalogue.address import canonical_url, web_address
from digest.catalogue.memory import Memory
from digest.catalogue.sources.collecting import collect
from digest.catalogue.sources.open_graph import article
from digest.catalogue.sources.parsers import Limits, Parsers
from digest.catalogue.sources.port import Fault, Reading, SourceContext
from digest.catalogue.visiting import Paused
from digest.errors import Unreachable
from digest.settings import SourceSettings

MAX_MAPS = 50
MAX_PAGES = 50_000
MAX_KNOWN = 100_000
LONGEST = 120.0  # seconds a fetch may spend on pages; what it does not come to is read by the next one
_TRIES = 3
_READ = ""
_OF = "sitemap"  # in the memory of pages: which sitemap they are of
_SIZE = 50 * 1024 * 1024
_LIMITS = Limits(cpu=20, wall=30.0)


@dataclass(slots=True)
class _Map:
    """What the sitemaps listed: addresses with the time of their last change, in the form it was written."""

    pages: dict[str, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


class Sitemap:
    """The pages that the sitemap at `url`, or the ones it names, list below `under`."""

    def __init__(self, settings: SourceSettings, context: SourceContext, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._context = context
        self._clock = clock

    def read(self) -> Reading:
        """The articles among the new pages; a page that is none, or cannot be read, stops only itself."""
        listed = self._listed()
        memory = self._context.visits.memory(self._settings)
        known = memory.pages if memory.pages.get(_OF) == _mark(str(self._settings.url)) else {}
        newest = sorted(listed.pages, key=lambda address: listed.pages[address], reverse=True)
        new = [address for address in newest if known.get(_mark(address), "1") != _READ]
        return self._reading(listed, memory, known, new)

    def _reading(self, listed: _Map, memory: Memory, known: Mapping[str, str], new: list[str]) -> Reading:
        chosen = new[: self._settings.limit]
        pages = _remembered(known, listed.pages)
        if not known:  # the first fetch: what is older counts as seen
            pages |= dict.fromkeys(map(_mark, new[self._settings.limit :]), _READ)
        raws, faults = self._articles(chosen, pages, known)
        waiting = sum(1 for address in new if _mark(address) not in pages)
        if waiting:
            listed.faults.append(
                Fault(
                    "sitemap",
                    "",
                    f"{waiting:,} new {'page is' if waiting == 1 else 'pages are'} left for the next fetches",
                    error=False,
                )
            )
        reading = collect(raws, self._settings, self._context, faults=[*listed.faults, *faults])
        kept = {_OF: _mark(str(self._settings.url)), **pages}
        return replace(reading, memory=replace(memory, pages=kept))

    def _articles(
        self, chosen: list[str], pages: dict[str, str], known: Mapping[str, str]
    ) -> tuple[list[dict[str, Any]], list[Fault]]:
        """The articles of the chosen pages; `pages` is told what became of each."""
        raws: list[dict[str, Any]] = []
        faults: list[Fault] = []
        end = self._clock() + LONGEST
        for address in chosen:
            if self._clock() >= end:
                break
            try:
                page = self._context.visits.page(self._settings, address, accept="text/html")
            except Paused:
                break
            except Unreachable as error:
                tries = int(known.get(_mark(address), "0") or 0) + 1
                pages[_mark(address)] = _READ if tries >= _TRIES else str(tries)
                given_up = "; it is given up" if tries >= _TRIES else ""
                faults.append(Fault("page", "", f"{error}{given_up}"))
                continue
            pages[_mark(address)] = _READ
            raw = article(page.data, page.content_type, page.url)
            if raw is None:
                faults.append(
                    Fault(f"page {page.place}", "", "does not call itself an article (og:type), and is left out", False)
                )
            else:
                raws.append(raw | {"id": address})
        return raws, faults

    def _listed(self) -> _Map:
        found = _Map()
        root = self._elements(str(self._settings.url))
        if _root(root) == "sitemapindex":
            maps = sorted(_places(root), key=lambda place: place[1], reverse=True)
            if len(maps) > MAX_MAPS:
                found.faults.append(
                    Fault("sitemap", "", f"names {len(maps):,} others; the newest {MAX_MAPS} are read", error=False)
                )
            for address, _ in maps[:MAX_MAPS]:
                self._take_map(address, found)
        else:
            self._take(root, found)
        return found

    def _take_map(self, address: str, found: _Map) -> None:
        """One of the sitemaps that the first one names; a bad one stops only itself."""
        try:
            self._take(self._elements(web_address(address)), found)
        except Unreachable as error:
            found.faults.append(Fault("sitemap", "", str(error)))
        except ValueError as error:
            found.faults.append(Fault("sitemap", "", f"names another whose address {error}"))

    def _take(self, elements: list[list[Any]], found: _Map) -> None:
        under = self._settings.under
        for address, changed in _places(elements):
            if len(found.pages) >= MAX_PAGES:
                found.faults.append(Fault("sitemap", "", f"lists more than {MAX_PAGES:,} pages; narrow it by `under`"))
                return
            try:
                page = canonical_url(address)
            except ValueError:
                continue
            if under is None or page.startswith(under):
                found.pages[page] = changed

    def _elements(self, address: str) -> list[list[Any]]:
        page = self._context.visits.page(self._settings, address, accept="application/xml, text/xml;q=0.9, */*;q=0.5")
        try:
            elements = _parsed(_unpacked(page.data), self._context.parsers)
            if _root(elements) not in {"sitemapindex", "urlset"}:
                raise Unreachable("is not a sitemap")
            return elements
        except Unreachable as error:
            raise Unreachable(f"{page.place}: {error}") from None


def _remembered(known: Mapping[str, str], listed: Mapping[str, str]) -> dict[str, str]:
    """What is known of pages, also of those that are not listed now: a sitemap that fails once makes no page a new one."""
    if len(known) <= MAX_KNOWN:
        return dict(known)
    marks = set(map(_mark, listed))
    return {mark: said for mark, said in known.items() if mark in marks}


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


def _mark(address: str) -> str:
    return hashlib.sha256(address.encode()).hexdigest()[:12]

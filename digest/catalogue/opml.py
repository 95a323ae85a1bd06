"""OPML (opml.org): the list of feeds that feed readers export, as `[[sources]]` tables to paste into a configuration."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from digest.catalogue.address import canonical_url, web_address
from digest.catalogue.cleaning import clean_tag
from digest.catalogue.plain_text import one_line, plain_text, shorten
from digest.catalogue.sources.parsers import Limits, Parsers
from digest.errors import Unreachable, UsageError

MAX_BYTES = 10 * 1024 * 1024
MAX_FEEDS = 5_000
_LIMITS = Limits(cpu=10, wall=20.0)
# Latin letters that Unicode does not take apart into one of ours and a mark.
_UNCOMPOSED = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h", "ŧ": "t"}
)


@dataclass(frozen=True, slots=True)
class Listed:
    """A feed of the list: a name that is free, its address, and the folders it lay in, as tags."""

    name: str
    url: str
    tags: tuple[str, ...]

    def table(self) -> str:
        """As the configuration has it."""
        tags = f"tags = {json.dumps(list(self.tags), ensure_ascii=False)}\n" if self.tags else ""
        return f'[[sources]]\nname = "{self.name}"\nkind = "feed"\nurl = {json.dumps(self.url)}\n{tags}'


@dataclass(frozen=True, slots=True)
class Opml:
    """What a list holds: feeds, each once, and a line for each outline that is not taken."""

    feeds: tuple[Listed, ...]
    remarks: tuple[str, ...]


def read_opml(file: Path, *, names: Collection[str] = (), urls: Collection[str] = ()) -> Opml:
    """The feeds listed in `file` but those at `urls`, which are sources already, named unlike `names`.

    Raises `UsageError` with one line when it is no OPML. It is parsed in a child process with limits; no DTD.
    """
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror}") from None
    if len(data) > MAX_BYTES:
        raise UsageError(f"{file}: is larger than {MAX_BYTES // 1024 // 1024} MB; no list of feeds is")
    try:
        with Parsers(1) as parsers:
            found = parsers.parse(data, None, None, _LIMITS, plain=True)
    except Unreachable as error:
        raise UsageError(f"{file}: {error}") from None
    elements = found.get("elements", [])
    if "refused" in found or not elements or elements[0][1].lower() != "opml":
        raise UsageError(f"{file}: {one_line(str(found.get('refused', 'is not OPML: it does not begin with <opml>')))}")
    try:
        return _taken(elements, set(names), {canonical_url(url) for url in urls})
    except UsageError as error:
        raise UsageError(f"{file}: {error}") from None


def _taken(elements: list[list[Any]], names: set[str], known: set[str]) -> Opml:
    feeds: list[Listed] = []
    remarks: list[str] = []
    for title, address, folders in _outlines(elements):
        shown = f"'{shorten(one_line(title), 60)}'"
        try:
            url = web_address(address)
        except ValueError as error:
            remarks.append(f"{shown} is left out: its address {error}")
            continue
        if canonical_url(url) in known:
            remarks.append(f"{shown} is left out: its address is there already")
            continue
        if len(feeds) == MAX_FEEDS:
            raise UsageError(f"lists more than {MAX_FEEDS:,} feeds; split it")
        known.add(canonical_url(url))
        name = _free(_slug(title, url), names)
        names.add(name)
        feeds.append(Listed(name, url, _tags(folders)))
    return Opml(tuple(feeds), tuple(remarks))


def _outlines(elements: list[list[Any]]) -> Iterator[tuple[str, str, list[str]]]:
    """Each outline with a feed: its title, its address, and the titles of the outlines around it."""
    around: list[tuple[int, str]] = []
    for depth, element, attributes, _ in elements:
        if element.lower() != "outline":
            continue
        around = [(above, folder) for above, folder in around[:20] if above < depth]
        said = {name.lower(): value for name, value in attributes.items()}
        title = plain_text(said.get("title") or said.get("text") or "")
        if "xmlurl" in said:
            yield title, said["xmlurl"], [folder for _, folder in around]
        else:
            around.append((depth, title))


def _tags(folders: list[str]) -> tuple[str, ...]:
    tags: dict[str, None] = {}
    for folder in folders:
        try:
            tags[clean_tag(folder)] = None
        except ValueError:
            continue
    return tuple(tags)


def _slug(title: str, url: str) -> str:
    """A name made of the title; of the address's host where half of the title's letters, or more, are not Latin."""
    folded = unicodedata.normalize("NFKD", title.casefold().translate(_UNCOMPOSED))
    letters = sum(character.isalnum() for character in folded)
    kept = sum(character.isalnum() and character.isascii() for character in folded)
    words = folded.encode("ascii", "ignore").decode() if 2 * kept > letters else (urlsplit(url).hostname or "")
    return re.sub(r"[^a-z0-9]+", "-", words.removeprefix("www."))[:50].strip("-") or "feed"


def _free(slug: str, names: set[str]) -> str:
    number = 2
    name = slug
    while name in names:
        name, number = f"{slug}-{number}", number + 1
    return name

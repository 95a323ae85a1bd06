"""The source kind `feed`: RSS and Atom, parsed by feedparser in a child process with limits."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import orjson

from digest.catalogue.cleaning import language_tag
from digest.catalogue.plain_text import one_line, plain_text, shorten
from digest.catalogue.sources.collecting import collect
from digest.catalogue.sources.content import Content, read_content
from digest.catalogue.sources.port import Fault, Reading, SourceContext
from digest.errors import Unreachable
from digest.settings import SourceSettings

MEMORY = 1024 * 1024 * 1024
CPU_SECONDS = 40
WALL_SECONDS = 60.0
SUMMARY_LENGTH = 400

_CHILD = Path(__file__).with_name("feed_child.py")


class Feed:
    """An RSS or Atom feed, from an address or a file."""

    def __init__(self, settings: SourceSettings, context: SourceContext) -> None:
        self._settings = settings
        self._context = context

    def read(self) -> Reading:
        """The entries the feed shows now. A malformed feed gives what can be read of it, and a warning."""
        content = read_content(self._settings, self._context)
        try:
            feed = parse_feed(content)
        except Unreachable as error:
            raise Unreachable(f"{content.place}: {error}") from None
        faults = list(_remarks(feed))
        raws = _raws(feed, content.url)
        return collect(raws, self._settings, self._context, faults=faults, latest_only=True)


def parse_feed(content: Content, *, memory: int = MEMORY, cpu: int = CPU_SECONDS, wall: float = WALL_SECONDS) -> dict[str, Any]:
    """What the child made of `content`: entries with the keys of articles.json. Raises `Unreachable` with one line."""
    if not content.data.strip():
        raise Unreachable("is empty, not a feed")
    limits = [str(memory), str(cpu), content.url or "", one_line(content.content_type or "")]
    try:
        child = subprocess.run(  # noqa: S603 - our own file, and no shell
            [sys.executable, "-I", str(_CHILD), *limits],
            input=content.data,
            capture_output=True,
            timeout=wall,
            check=False,
            env={},
        )
    except subprocess.TimeoutExpired:
        raise Unreachable(f"could not be parsed within {wall:g} seconds; ask its publisher for a smaller feed") from None
    if child.returncode != 0:
        raise Unreachable(_ended(child, memory, cpu))
    feed: dict[str, Any] = orjson.loads(child.stdout)
    if "refused" in feed:
        raise Unreachable(one_line(str(feed["refused"])))
    return feed


def _ended(child: subprocess.CompletedProcess[bytes], memory: int, cpu: int) -> str:
    if b"MemoryError" in child.stderr:
        return f"needs more than {memory // 1024 // 1024} MB to parse; ask its publisher for a smaller feed"
    if child.returncode < 0:
        return f"could not be parsed within {cpu} seconds of processor time; ask its publisher for a smaller feed"
    last = child.stderr.decode("utf-8", "replace").strip().rsplit("\n", 1)[-1]
    return f"could not be parsed ({shorten(one_line(last), 200) or 'the parser failed'})"


def _remarks(feed: dict[str, Any]) -> Iterator[Fault]:
    if feed["trouble"]:
        yield Fault("feed", "", f"is malformed ({one_line(feed['trouble'])}); what could be read of it was taken", error=False)
    if feed["language"] and _language(feed["language"]) is None:
        yield Fault(
            "feed", "language", f"'{shorten(one_line(feed['language']), 60)}' is not a language tag; it is left out", error=False
        )


def _raws(feed: dict[str, Any], base: str | None) -> Iterator[dict[str, Any]]:
    """The entries, their addresses made absolute, their summaries cut to a mail's measure, their language the feed's by default."""
    language = _language(feed["language"]) if feed["language"] else None
    for raw in feed["entries"]:
        if base is not None:
            raw.update({key: _absolute(base, raw[key]) for key in ("url", "image") if key in raw})
        if "summary" in raw:  # a feed may carry the whole article; escaped, so that it is decoded once
            raw["summary"] = escape(shorten(plain_text(raw["summary"]), SUMMARY_LENGTH))
        if "language" not in raw and language:
            raw["language"] = language
        yield raw


def _absolute(base: str, address: str) -> str:
    try:
        return urljoin(base, address.strip())
    except ValueError:
        return address


def _language(text: str) -> str | None:
    try:
        return language_tag(text)
    except ValueError:
        return None

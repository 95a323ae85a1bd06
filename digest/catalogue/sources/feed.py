"""The source kind `feed`: RSS and Atom, parsed by feedparser in a child process with limits, and JSON Feed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from html import escape
from typing import Any

from digest.catalogue.cleaning import language_tag
from digest.catalogue.plain_text import one_line, plain_text, shorten
from digest.catalogue.sources.body import absolute, complete
from digest.catalogue.sources.collecting import collect
from digest.catalogue.sources.content import Content, read_content
from digest.catalogue.sources.json_feed import json_feed
from digest.catalogue.sources.parsers import Limits, Parsers
from digest.catalogue.sources.port import Fault, Reading, SourceContext
from digest.errors import Unreachable
from digest.settings import SourceSettings

SUMMARY_LENGTH = 400


class Feed:
    """An RSS, Atom or JSON feed, from an address or a file."""

    def __init__(self, settings: SourceSettings, context: SourceContext) -> None:
        self._settings = settings
        self._context = context

    def read(self) -> Reading:
        """The entries the feed shows now. A malformed feed gives what can be read of it, and a warning."""
        content = read_content(self._settings, self._context)
        if content.unchanged:
            return Reading((), content.faults, latest_only=True, unchanged=True, memory=content.memory)
        return feed_reading(self._parsed(content), content, self._settings, self._context)

    def _parsed(self, content: Content) -> dict[str, Any]:
        try:
            if content.data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"{":
                return json_feed(content.data)
            return parse_feed(content, self._context.parsers)
        except Unreachable as error:
            raise Unreachable(f"{content.place}: {error}") from None


def feed_reading(feed: dict[str, Any], content: Content, settings: SourceSettings, context: SourceContext) -> Reading:
    """The reading of a parsed feed: its `entries` with the keys of articles.json, its `language`, `link` and `trouble`.

    Relative addresses are completed by the address the feed came from; those of a file by the site's that it names.
    """
    faults = [*content.faults, *_remarks(feed)]
    reading = collect(_raws(feed, content.url or _site(feed)), settings, context, faults=faults, latest_only=True)
    return replace(reading, memory=content.memory)


def parse_feed(content: Content, parsers: Parsers | None = None, limits: Limits | None = None) -> dict[str, Any]:
    """What a child made of `content`: entries with the keys of articles.json. Raises `Unreachable` with one line."""
    if not content.data.strip():
        raise Unreachable("is empty, not a feed")
    if parsers is None:
        with Parsers(1) as parsers:
            return parse_feed(content, parsers, limits)
    kind = one_line(content.content_type or "") or None
    feed = parsers.parse(content.data, content.url, kind, limits or Limits())
    if "refused" in feed:
        raise Unreachable(one_line(str(feed["refused"])))
    return feed


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
            raw.update({key: absolute(base, raw[key]) for key in ("url", "image") if isinstance(raw.get(key), str)})
        if "summary" in raw:  # a feed may carry the whole article; escaped, so that it is decoded once
            raw["summary"] = escape(shorten(plain_text(raw["summary"]), SUMMARY_LENGTH))
        if "language" not in raw and language:
            raw["language"] = language
        content, address = raw.pop("content", None), raw.get("url")
        if isinstance(content, str):
            complete(raw, content, address if isinstance(address, str) else base)
        yield raw


def _site(feed: dict[str, Any]) -> str | None:
    link = feed.get("link")
    return link if isinstance(link, str) and link.startswith(("http://", "https://")) else None


def _language(text: str) -> str | None:
    try:
        return language_tag(text)
    except ValueError:
        return None

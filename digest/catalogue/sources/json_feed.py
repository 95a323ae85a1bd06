"""JSON Feed, versions 1 and 1.1 (jsonfeed.org): its items as objects with the keys of articles.json."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import orjson

from digest.errors import Unreachable

_VERSION = "https://jsonfeed.org/version/1"


def is_json_feed(value: object) -> bool:
    """Whether `value` calls itself a JSON Feed."""
    return isinstance(value, Mapping) and str(value.get("version", "")).removeprefix("http://").startswith(
        (_VERSION, _VERSION.removeprefix("https://"))
    )


def json_feed(data: bytes) -> dict[str, Any]:
    """A JSON Feed in bytes, as `parse_feed` gives others. Raises `Unreachable` when it is none."""
    try:
        value = orjson.loads(data.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise Unreachable(f"is not a feed that can be read (line {error.lineno}, column {error.colno}: {error.msg})") from None
    if not is_json_feed(value):
        raise Unreachable("is JSON, but no JSON Feed; a list of articles is read by the kind `json`")
    return feed_of(value)


def feed_of(value: Mapping[str, Any]) -> dict[str, Any]:
    """The feed in parsed JSON."""
    items = value.get("items")
    if not isinstance(items, list):
        raise Unreachable("holds no list of `items`, which every JSON Feed has")
    authors = value.get("authors") or value.get("author")
    entries = [_raw(item, authors) for item in items]
    return {"entries": entries, "language": _text(value, "language"), "link": _text(value, "home_page_url"), "trouble": None}


def _raw(item: Any, authors: Any) -> dict[str, Any]:
    if not isinstance(item, Mapping):
        return {}
    identity = item.get("id")
    summary = _text(item, "summary") or _text(item, "content_text")
    found = {
        "id": str(identity) if isinstance(identity, int | float) else identity,
        "url": item.get("url") or item.get("external_url") or identity,
        "title": escape(_text(item, "title") or ""),
        "summary": escape(summary) if summary else _text(item, "content_html"),
        "content": _text(item, "content_html") or escape(_text(item, "content_text") or ""),
        "tags": item.get("tags"),
        "published_at": item.get("date_published") or item.get("date_modified"),
        "updated_at": item.get("date_modified"),
        "author": _author(item.get("authors") or item.get("author") or authors),
        "image": item.get("image") or item.get("banner_image") or _attached(item.get("attachments")),
        "language": item.get("language"),
    }
    return {key: value for key, value in found.items() if value not in (None, "", [])}


def _text(item: Mapping[str, Any], name: str) -> str | None:
    value = item.get(name)
    return value if isinstance(value, str) else None


def _author(authors: Any) -> str | None:
    """The first author's name; version 1 has one, 1.1 a list."""
    first = authors[0] if isinstance(authors, list) and authors else authors
    name = first.get("name") if isinstance(first, Mapping) else None
    return escape(name) if isinstance(name, str) else None


def _attached(attachments: Any) -> str | None:
    for each in attachments if isinstance(attachments, list) else ():
        if isinstance(each, Mapping) and str(each.get("mime_type", "")).startswith("image/"):
            return str(each.get("url", "")) or None
    return None

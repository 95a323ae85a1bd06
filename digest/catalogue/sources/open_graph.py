"""Open Graph: what a web page says about itself for whoever links to it (ogp.me), made an object as in articles.json. Pure."""

from __future__ import annotations

import codecs
import re
from collections import defaultdict
from html import escape, unescape
from typing import Any
from urllib.parse import urlsplit

from digest.catalogue.sources.answers import given
from digest.catalogue.sources.body import absolute, attributes_of

HEAD_LIMIT = 512 * 1024
_CHARSET = re.compile(r"charset\s{0,9}=\s{0,9}[\"']?([\w.:-]{1,40})", re.IGNORECASE)
_BODY = re.compile(r"<body[\s>]", re.IGNORECASE)
_TITLE = re.compile(r"<title(?:\s[^<>]{0,500})?>([^<]{1,2000})</title", re.IGNORECASE)
_LANGUAGE = re.compile(r"<html\s[^<>]{0,2000}?\blang\s{0,9}=\s{0,9}[\"']?([A-Za-z-]{2,35})", re.IGNORECASE)


def article(data: bytes, content_type: str | None, url: str) -> dict[str, Any] | None:
    """The article that the page at `url` says it is, its texts as HTML; None when it does not say so.

    A page is an article when its `og:type` is one, or when it has an `article:published_time`. What a page calls its
    own address counts only when it is of the same host.
    """
    head = _BODY.split(decoded(data, content_type), maxsplit=1)[0]
    said: dict[str, list[str]] = defaultdict(list)
    for meta in attributes_of("meta", head):
        said[(meta.get("property") or meta.get("name") or meta.get("itemprop") or "").lower()].append(
            escape(meta.get("content", ""), quote=False)
        )

    def first(*names: str) -> str | None:
        return next((said[name][0] for name in names if said.get(name) and said[name][0]), None)

    published = first("article:published_time", "datepublished", "article:published")
    if "article" not in (first("og:type") or "") and published is None:
        return None
    title = _TITLE.search(head)
    language = _LANGUAGE.search(head)
    image = first("og:image:secure_url", "og:image", "og:image:url", "twitter:image")
    author = first("author", "article:author")
    return given(
        {
            "url": _own_address(head, url, unescape(first("og:url") or "")),
            "title": first("og:title", "twitter:title") or (title[1] if title else None),
            "summary": first("og:description", "description", "twitter:description"),
            "tags": [tag for name in ("article:section", "article:tag") for tag in said.get(name, []) if tag],
            "published_at": published,
            "updated_at": first("article:modified_time", "og:updated_time"),
            "author": None if author is None or author.startswith(("http://", "https://")) else author,
            "image": absolute(url, unescape(image)) if image else None,
            "image_alt": first("og:image:alt", "twitter:image:alt") if image else None,
            "language": language[1] if language else first("og:locale"),
        }
    )


def decoded(data: bytes, content_type: str | None) -> str:
    """The head of a page as text: by the header's encoding, else its own word for it, else UTF-8; wrong bytes become U+FFFD."""
    start = data[:HEAD_LIMIT]
    for said in (content_type or "", start[:4096].decode("latin-1")):
        found = _CHARSET.search(said)
        if found is not None:
            try:
                name = codecs.lookup(found[1]).name
                return start.decode(name, "replace") if _is_of_text(name) else start.decode("utf-8", "replace")
            except (LookupError, ValueError):
                continue
    return start.decode("utf-8", "replace")


def _is_of_text(name: str) -> bool:
    """Python also calls transformations such as zip and hex codecs, and some that run on names."""
    return name.startswith(("utf", "iso", "cp", "koi", "gb", "big5", "euc", "shift", "mac", "ascii", "latin", "windows"))


def _own_address(head: str, url: str, said: str) -> str:
    links = (link.get("href", "") for link in attributes_of("link", head) if link.get("rel", "").lower() == "canonical")
    for candidate in (*links, said):
        address = absolute(url, candidate) if candidate else ""
        try:
            if address and urlsplit(address).netloc.lower() == urlsplit(url).netloc.lower():
                return address
        except ValueError:
            continue
    return url

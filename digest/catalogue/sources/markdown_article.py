"""An article in Markdown: its front matter in the words of Hugo, Jekyll, Eleventy and MkDocs blogs, made an object as in
articles.json. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from html import escape
from pathlib import PurePosixPath
from typing import Any

from digest.catalogue.cleaning import moment
from digest.catalogue.plain_text import plain_text, shorten
from digest.catalogue.sources.answers import given
from digest.catalogue.sources.body import absolute, complete
from digest.catalogue.sources.front_matter import Document

SUMMARY_LENGTH = 400
_LARGEST = 10**20
_RENDERED = 200_000
_DATED = re.compile(r"(\d{4}-\d{2}-\d{2})[-_](.+)")
_MORE = re.compile(r"<!--\s{0,9}more\s{0,9}-->", re.IGNORECASE)
_SHORTCODE = re.compile(r"\{\{[^{}]{0,500}\}\}|\{%[^{}]{0,500}%\}")
_HEADING = re.compile(r"^#[ \t]+(.{1,500})$", re.MULTILINE)
_WRITTEN = re.compile(r"\w", re.UNICODE)


@dataclass(frozen=True, slots=True)
class Site:
    """Where the articles of a folder stand on the web, and the zone of times without one."""

    base_url: str
    permalink: str
    timezone: tzinfo


class NoArticle(ValueError):
    """The file is not meant to be read: a draft, one that is not published or no longer, or one without a page."""


def article(place: PurePosixPath, document: Document, site: Site, now: datetime) -> dict[str, Any]:
    """The article in the file at `place`, a path relative to its folder.

    Raises `NoArticle`, or `ValueError` with one line when no address can be made for it.
    """
    front = document.front
    if _true(front.get("draft")) or _false(front.get("published")) or _false(front.get("permalink")):
        raise NoArticle
    if (expires := _when(front, "expiryDate", "expires")) is not None and _is_past(expires, site.timezone, now):
        raise NoArticle
    dated, slug = _named(place)
    slug = _text(front, "slug") or slug
    created = _when(front, "publishDate", "date", "published_at", "published", "pubDate", "pubDatetime", "created") or dated
    updated = _when(front, "lastmod", "updated_at", "updated", "last_modified_at", "modified", "updatedDate")
    categories = [*_names(front.get("categories")), *_names(front.get("category"))]
    address = _address(front, _words(place, slug, created, categories, site), site)
    html = _html(document.body)
    image, alt = _image(front)
    raw = {
        "id": _text(front, "id", "guid") or str(place),
        "url": address,
        "title": _text(front, "title") or _first_heading(document.body),
        "summary": _summary(front, document.body, html),
        "tags": [*categories, *_names(front.get("tags"))],
        "published_at": created,
        "updated_at": updated or _when_of(_at(front.get("date"), "updated")),
        "author": _author(front),
        "image": absolute(address, image) if image else None,
        "image_alt": alt if image else None,
        "featured": True if _true(front.get("featured")) else None,
        "language": _text(front, "lang", "language", "locale"),
    }
    return complete(given(raw), html, address)


def _named(place: PurePosixPath) -> tuple[str | None, str]:
    """The date and the slug in a file's name. `index.md` is named by its folder, as Hugo's page bundles are."""
    name = place.stem if place.stem != "index" or not place.parent.name else place.parent.name
    dated = _DATED.fullmatch(name)
    return (dated[1], dated[2]) if dated else (None, name)


def _address(front: Mapping[str, Any], words: Mapping[str, str], site: Site) -> str:
    own = _text(front, "permalink", "url")
    if own is not None and own.startswith(("http://", "https://")):
        return own
    if own is not None and ("{{" in own or "{%" in own):
        raise ValueError("its permalink is a template, which is not computed here; write the path, or leave the key out")
    pattern = re.sub(r":(categories|title|slug|year|month|day)\b", _jekyll, own) if own is not None else site.permalink
    path = _filled(pattern, words)
    return f"{site.base_url.rstrip('/')}/{re.sub('/{2,}', '/', path).lstrip('/')}"


def _jekyll(match: re.Match[str]) -> str:
    return "{" + {"categories": "category"}.get(match[1], match[1]) + "}"


def _words(place: PurePosixPath, slug: str, created: str | None, categories: list[str], site: Site) -> dict[str, str]:
    """What stands for each word. Slugs are in lower case, as Hugo, MkDocs and Jekyll write them; `title` is Jekyll's, and as
    written, and so are the names of files and folders."""
    bundle = place.stem == "index" and place.parent.name
    folder = place.parent.parent if bundle else place.parent
    words = {
        "slug": _path_part(slug).lower(),
        "title": _path_part(slug),
        "file": _path_part(place.stem),
        "folder": "/".join(part for part in folder.parts if part != "_posts"),
        "category": _path_part(categories[0]).lower() if categories else "",
    }
    try:
        when = moment(created, site.timezone).astimezone(site.timezone)
    except ValueError:  # without a date, or with one that is none
        return words
    return words | {"year": f"{when:%Y}", "month": f"{when:%m}", "day": f"{when:%d}"}


def _filled(pattern: str, words: Mapping[str, str]) -> str:
    def word(match: re.Match[str]) -> str:
        if match[1] not in words:
            raise ValueError(f"its address needs a {match[1]}, and it has no date that can be read")
        return words[match[1]]

    return re.sub(r"\{(folder|slug|title|file|category|year|month|day)\}", word, pattern)


def _path_part(name: str) -> str:
    return re.sub(r"[\s/?#\\]+", "-", name.strip())


def _html(body: str) -> str:
    from markdown_it import MarkdownIt

    plain = _SHORTCODE.sub("", body[:_RENDERED])
    return str(MarkdownIt("commonmark", {"html": True}).render(plain))


def _summary(front: Mapping[str, Any], body: str, html: str) -> str:
    """The writer's own, else what stands above `<!-- more -->`, else the first paragraph."""
    own = _text(front, "summary", "description", "excerpt")
    if own is not None:
        return escape(shorten(plain_text(own), SUMMARY_LENGTH))
    parts = _MORE.split(body, maxsplit=1)
    above = _html(_HEADING.sub("", parts[0])) if len(parts) > 1 else ""
    paragraphs = (plain_text(part.partition("</p>")[0]) for part in html.split("<p>")[1:])
    text = plain_text(above) or next((text for text in paragraphs if _WRITTEN.search(text)), "")
    return escape(shorten(text, SUMMARY_LENGTH))


def _first_heading(body: str) -> str | None:
    found = _HEADING.search(body[:_RENDERED])
    return found[1].strip() if found else None


def _image(front: Mapping[str, Any]) -> tuple[str | None, str | None]:
    for name in ("image", "cover", "featured_image", "featureimage", "thumbnail", "images"):
        value = front.get(name)
        value = value[0] if isinstance(value, list) and value else value
        address = value if isinstance(value, str) else _at(value, "src", "url", "path", "image")
        if isinstance(address, str) and address:
            alt = _at(value, "alt", "caption") or _text(front, "image_alt", "imageAlt", "alt")
            return address, alt if isinstance(alt, str) else None
    return None, None


def _author(front: Mapping[str, Any]) -> str | None:
    value = front.get("author") or front.get("authors")
    first = value[0] if isinstance(value, list) and value else value
    name = first if isinstance(first, str) else _at(first, "name")
    return escape(name) if isinstance(name, str) else None


def _names(value: Any) -> list[str]:
    """Tags as a list, or in one text, parted by commas or else by spaces, as Jekyll has them."""
    if isinstance(value, str):
        return [part.strip() for part in (value.split(",") if "," in value else value.split()) if part.strip()]
    if isinstance(value, list):
        named = (each for each in value if isinstance(each, str | int | float) and not isinstance(each, bool))
        return [each if isinstance(each, str) else _number(each, "tags") for each in named]
    return []


def _text(front: Mapping[str, Any], *names: str) -> str | None:
    """The first of `names` that holds a text, or a number meant as one. Raises `ValueError` where that is none."""
    for name in names:
        value = front.get(name)
        if isinstance(value, str) and value.strip():
            return value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _number(value, name)
    return None


def _number(value: float, name: str) -> str:
    if not abs(value) < _LARGEST:
        raise ValueError(f"its `{name}` is a number that is too large; write a text in quotation marks")
    return str(value)


def _at(value: Any, *names: str) -> Any:
    return next((value[name] for name in names if value.get(name)), None) if isinstance(value, Mapping) else None


def _when(front: Mapping[str, Any], *names: str) -> str | None:
    return next((when for name in names if (when := _when_of(front.get(name))) is not None), None)


def _when_of(value: Any) -> str | None:
    """A time as ISO 8601 has it, or a number, which may be a date without dashes; MkDocs writes a table of `created` and `updated`."""
    if isinstance(value, Mapping):
        value = value.get("created")
    if isinstance(value, date):  # a datetime is one too
        return value.isoformat()
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _number(value, "date")
    return value if isinstance(value, str) and value.strip() else None


def _is_past(when: str, zone: tzinfo, now: datetime) -> bool:
    try:
        return moment(when, zone) <= now
    except ValueError:
        return False


def _true(value: Any) -> bool:
    return value is True or (isinstance(value, str) and value.strip().lower() in {"true", "yes"})


def _false(value: Any) -> bool:
    return value is False or (isinstance(value, str) and value.strip().lower() in {"false", "no"})

"""The body of an article in HTML: what it says about the article where its source says nothing. Pure.

A body is foreign and may be megabytes: nothing here parses it as a tree, every look at it is bounded or linear.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from html import escape, unescape
from typing import Any
from urllib.parse import urljoin

from digest.catalogue.address import web_address

BODY_LIMIT = 1024 * 1024
# Silent reading of English non-fiction: Brysbaert, "How many words do we read per minute?", 2019.
WORDS_A_MINUTE = 238
# An excerpt is not the article; what is shorter than this tells no reading time.
_FEWEST_WORDS = 150
_SMALLEST_PICTURE = 50  # pixels: below are counters, spacers and smileys
_TAG_LENGTH = 4_000
_TAGS = 200

_ATTRIBUTE = re.compile(r"""([a-zA-Z][\w:.-]{0,40})\s{0,20}=\s{0,20}("[^"]*"|'[^']*'|[^\s"'>]{1,2000})""")
_TAG_END = re.compile(r"""(?:[^>"']|"[^"]*"|'[^']*')*+>""")
_MARKUP = re.compile(r"<[^<>]*>")
_NOT_READ = re.compile(r"<(?:script|style)\b[^<>]*>[^<]*<")
# Words without spaces between them are not counted, and their reading time not guessed: Chinese, Japanese, Thai, Lao, Khmer.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")


def complete(raw: dict[str, Any], html: str, base: str | None) -> dict[str, Any]:
    """`raw`, an object as in articles.json, with reading time and picture of its body where it has none of its own."""
    if "reading_minutes" not in raw and (minutes := reading_minutes(html)) is not None:
        raw["reading_minutes"] = minutes
    if not raw.get("image") and (picture := first_picture(html, base)) is not None:
        raw["image"], alt = picture
        raw.pop("image_alt", None)
        if alt:
            raw["image_alt"] = escape(alt)
    return raw


def reading_minutes(html: str) -> int | None:
    """How long an article takes to read; None for what is too short to be a whole article, or cannot be counted."""
    text = _MARKUP.sub(" ", _NOT_READ.sub(" ", html[:BODY_LIMIT]))
    if len(_UNSPACED.findall(text)) * 10 > len(text):
        return None
    words = sum(1 for word in text.split() if any(character.isalnum() for character in word))
    return max(1, round(words / WORDS_A_MINUTE)) if words >= _FEWEST_WORDS else None


def first_picture(html: str, base: str | None) -> tuple[str, str] | None:
    """The address, absolute, and the alt text of the first picture that is meant to be looked at."""
    for found in attributes_of("img", html):
        if found.get("src") and not _tiny(found):
            with suppress(ValueError):
                return web_address(absolute(base, found["src"])), found.get("alt", "")
    return None


def attributes_of(tag: str, html: str) -> Iterator[dict[str, str]]:
    """The attributes of each `tag` of an HTML text, entities decoded; of the first two hundred."""
    for count, start in enumerate(re.finditer(rf"<{tag}(?=[\s/])", html[:BODY_LIMIT], re.IGNORECASE)):
        if count == _TAGS:
            return
        window = html[start.end() : start.end() + _TAG_LENGTH]
        end = _TAG_END.match(window)
        if end is not None:
            found: dict[str, str] = {}
            for name, value in _ATTRIBUTE.findall(end[0]):
                found.setdefault(name.lower(), unescape(value.strip("\"'")).strip())
            yield found


def absolute(base: str | None, address: str) -> str:
    """`address` as seen from the page at `base`."""
    try:
        return urljoin(base, address.strip()) if base else address.strip()
    except ValueError:
        return address


def _tiny(attributes: dict[str, str]) -> bool:
    sizes = (attributes.get(name, "").removesuffix("px") for name in ("width", "height"))
    return any(size.isdecimal() and len(size) < 6 and int(size) < _SMALLEST_PICTURE for size in sizes)

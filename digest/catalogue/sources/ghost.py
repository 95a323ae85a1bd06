"""The source kind `ghost`: posts of a Ghost site by its Content API (ghost.org/docs/content-api)."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any
from urllib.parse import quote

from digest.catalogue.plain_text import shorten
from digest.catalogue.sources.answers import at, given, json_of, list_at, text_at
from digest.catalogue.sources.body import complete
from digest.catalogue.sources.collecting import collect
from digest.catalogue.sources.feed import SUMMARY_LENGTH
from digest.catalogue.sources.port import Reading, SourceContext
from digest.errors import Unreachable
from digest.settings import SourceSettings

_A_PAGE = 100  # the most that Ghost 6 gives at once


class Ghost:
    """The newest posts of a site whose address is `url`, asked for with a Content API key."""

    def __init__(self, settings: SourceSettings, context: SourceContext) -> None:
        self._settings = settings
        self._context = context

    def read(self) -> Reading:
        """The newest `limit` posts, with authors and public tags. Raises `Unreachable`; never with the key in its words."""
        posts = [post for page in self._pages() for post in page][: self._settings.limit]
        return collect([_raw(post) for post in posts], self._settings, self._context, latest_only=True)

    def _pages(self) -> Iterator[list[Any]]:
        size = min(self._settings.limit, _A_PAGE)
        for number in range(1, -(-self._settings.limit // size) + 1):
            answer = self._answer(size, number)
            yield list_at(answer, "posts")
            if not isinstance(at(answer, "meta", "pagination", "next"), int):
                return

    def _answer(self, size: int, number: int) -> Any:
        key = self._settings.api_key
        secret = quote(key.get_secret_value(), safe="") if key is not None else ""
        address = (
            f"{str(self._settings.url).rstrip('/')}/ghost/api/content/posts/?limit={size}&page={number}"
            f"&include=authors,tags&order=published_at%20desc&key={secret}"
        )
        try:
            page = self._context.visits.page(self._settings, address, accept="application/json")
        except Unreachable as error:
            if "answered 401" in str(error) or "answered 403" in str(error):
                raise Unreachable(f"{error}: the `api_key` is not one of this site's Content API keys") from None
            raise
        answer = json_of(page)
        if not isinstance(at(answer, "posts"), list):
            raise Unreachable(f"{page.place}: the answer holds no list of posts; `url` must be the address of a Ghost site")
        return answer


def _raw(post: Any) -> Any:
    """A post with the keys of articles.json. What Ghost calls plain text is escaped, so that it stays as it is."""
    if not isinstance(post, dict):
        return post
    address, minutes = text_at(post, "url"), at(post, "reading_time")
    raw = {
        "id": text_at(post, "id"),
        "url": address,
        "title": escape(text_at(post, "title") or ""),
        "summary": escape(shorten(text_at(post, "custom_excerpt") or text_at(post, "excerpt") or "", SUMMARY_LENGTH)),
        "tags": _public_tags(post),
        "published_at": text_at(post, "published_at"),
        "updated_at": text_at(post, "updated_at"),
        "author": escape(text_at(post, "primary_author", "name") or text_at(post, "authors", 0, "name") or ""),
        "image": text_at(post, "feature_image"),
        "image_alt": escape(text_at(post, "feature_image_alt") or ""),
        "featured": True if at(post, "featured") is True else None,
        "reading_minutes": minutes if isinstance(minutes, int) and minutes > 0 else None,
        "language": text_at(post, "locale"),
    }
    return complete(given(raw), text_at(post, "html") or "", address)


def _public_tags(post: Any) -> list[str]:
    """Internal tags (their names begin with #) are the editors' own business."""
    tags = list_at(post, "tags")
    return [escape(name) for tag in tags if at(tag, "visibility") != "internal" and (name := text_at(tag, "name"))]

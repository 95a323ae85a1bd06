"""The source kind `wordpress`: posts of a WordPress site by its REST API (developer.wordpress.org/rest-api, wp/v2/posts)."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape, unescape
from typing import TYPE_CHECKING, Any

from digest.catalogue.plain_text import plain_text, shorten
from digest.catalogue.sources.answers import at, given, json_of, list_at, text_at
from digest.catalogue.sources.body import complete
from digest.catalogue.sources.collecting import collect
from digest.catalogue.sources.feed import SUMMARY_LENGTH
from digest.catalogue.sources.port import Reading, SourceContext
from digest.errors import Unreachable
from digest.settings import SourceSettings

if TYPE_CHECKING:  # what speaks HTTP is loaded when something is fetched
    from digest.catalogue.fetching import Page

_A_PAGE = 100  # the most that WordPress gives at once
_TOTAL_PAGES = "x-wp-totalpages"
_BEYOND = b'"rest_post_invalid_page_number"'
_TAXONOMIES = {"category", "post_tag"}


class WordPress:
    """The newest posts of a site whose address is `url`; the API answers below it, at /wp-json."""

    def __init__(self, settings: SourceSettings, context: SourceContext) -> None:
        self._settings = settings
        self._context = context

    def read(self) -> Reading:
        """The newest `limit` posts, with author, terms and featured picture. Raises `Unreachable`, also for a later page."""
        posts = [post for page in self._pages() for post in page][: self._settings.limit]
        return collect([_raw(post) for post in posts], self._settings, self._context, latest_only=True)

    def _pages(self) -> Iterator[list[Any]]:
        size = min(self._settings.limit, _A_PAGE)
        for number in range(1, -(-self._settings.limit // size) + 1):
            address = (
                f"{str(self._settings.url).rstrip('/')}/wp-json/wp/v2/posts?per_page={size}&page={number}"
                "&orderby=date&order=desc&_embed=author,wp:featuredmedia,wp:term"
            )
            page = self._page(address, first=number == 1)
            if page is None:
                return
            posts = json_of(page)
            if not isinstance(posts, list):
                raise Unreachable(f"{page.place}: the answer is no list of posts; `url` must be the address of a WordPress site")
            yield posts
            total = page.heard.get(_TOTAL_PAGES, "")
            if len(posts) < size or (total.isdecimal() and len(total) < 9 and number >= int(total)):
                return

    def _page(self, address: str, *, first: bool) -> Page | None:
        """A page; None behind the last one, of a server that did not tell how many there are."""
        from digest.catalogue.fetching import BadRequest

        visits = self._context.visits
        try:
            return visits.page(self._settings, address, accept="application/json", hear=(_TOTAL_PAGES,), hear_why=not first)
        except BadRequest as error:
            if _BEYOND in error.why:
                return None
            raise


def _raw(post: Any) -> Any:
    """A post with the keys of articles.json. Its id is the one that the site's feed uses too."""
    if not isinstance(post, dict):
        return post
    address, body = text_at(post, "link"), text_at(post, "content", "rendered") or ""
    media = at(post, "_embedded", "wp:featuredmedia", 0)
    large = text_at(media, "media_details", "sizes", "large", "source_url")
    image = large or text_at(media, "source_url")
    raw = {
        "id": unescape(text_at(post, "guid", "rendered") or "") or at(post, "id"),
        "url": address,
        "title": text_at(post, "title", "rendered"),
        "summary": _summary(text_at(post, "excerpt", "rendered") or body),
        "tags": _terms(post),
        "published_at": _utc(post, "date_gmt") or text_at(post, "date"),
        "updated_at": _utc(post, "modified_gmt") or text_at(post, "modified"),
        "author": text_at(post, "_embedded", "author", 0, "name"),
        "image": image,
        "image_alt": escape(text_at(media, "alt_text") or "") if image else None,
        "featured": True if at(post, "sticky") is True else None,
    }
    return complete(given(raw), body, address)


def _utc(post: Any, name: str) -> str | None:
    """WordPress writes times in UTC without saying so."""
    text = text_at(post, name)
    return f"{text}Z" if text and text[-1].isdecimal() else text


def _summary(html: str) -> str:
    """An excerpt cut to a mail's measure; WordPress ends the ones it makes with […]."""
    text = plain_text(html).removesuffix("[…]").removesuffix("[...]")
    ended = f"{text.rstrip()}…" if text != plain_text(html) else text
    return escape(shorten(ended, SUMMARY_LENGTH))


def _terms(post: Any) -> list[str]:
    terms = [term for group in list_at(post, "_embedded", "wp:term") for term in (group if isinstance(group, list) else [])]
    return [
        name
        for term in terms
        if text_at(term, "taxonomy") in _TAXONOMIES and at(term, "slug") != "uncategorized" and (name := text_at(term, "name"))
    ]

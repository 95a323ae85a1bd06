"""The source kind wordpress: posts by the REST API."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from digest.catalogue.sources.port import Reading, SourceContext
from digest.catalogue.sources.wordpress import WordPress
from digest.errors import Unreachable
from digest.settings import SourceSettings
from tests.catalogue.site import Site

Read = Callable[..., Reading]
EMBED = "&orderby=date&order=desc&_embed=author,wp:featuredmedia,wp:term"


def post(number: int, **values: Any) -> dict[str, Any]:
    return {
        "id": number,
        "guid": {"rendered": f"https://blog.example/?p={number}&#038;x=1"},
        "link": f"https://blog.example/{number}/",
        "title": {"rendered": f"AT&#038;T &#8211; {number}"},
        "date": "2026-11-20T09:00:00",
        "date_gmt": "2026-11-20T08:00:00",
        "modified_gmt": "2026-11-21T08:00:00",
        **values,
    }


def path(page: int = 1, size: int = 50) -> str:
    return f"/wp-json/wp/v2/posts?per_page={size}&page={page}{EMBED}"


@pytest.fixture
def read(site: Site, context: SourceContext, source: Callable[..., SourceSettings]) -> Read:
    def read(**settings: Any) -> Reading:
        return WordPress(source(kind="wordpress", url=site.url, allow_private=True, **settings), context).read()

    return read


def serve(site: Site, value: Any, page: int = 1, size: int = 50, pages: str = "") -> None:
    told = {"X_WP_TotalPages": pages} if pages else {}
    site.says(path(page, size), json.dumps(value).encode(), 200, **told)


def test_a_post_is_read_with_author_terms_and_picture(site: Site, read: Read) -> None:
    media = {
        "source_url": "https://blog.example/full.jpg",
        "alt_text": "A <b> & a cat",
        "media_details": {"sizes": {"large": {"source_url": "https://blog.example/large.jpg"}}},
    }
    terms = [
        [{"taxonomy": "category", "name": "Data &amp; more", "slug": "data"}],
        [{"taxonomy": "post_tag", "name": "Python", "slug": "python"}, {"taxonomy": "series", "name": "S", "slug": "s"}],
        [{"taxonomy": "category", "name": "Uncategorized", "slug": "uncategorized"}],
    ]
    embedded = {"author": [{"name": "Ann"}], "wp:featuredmedia": [media], "wp:term": terms}
    excerpt = {"rendered": "<p>It begins [&hellip;]</p>\n"}
    content = {"rendered": "<p>" + "word " * 476 + "</p>"}
    serve(site, [post(7, _embedded=embedded, excerpt=excerpt, content=content, sticky=True)])
    (entry,) = read().entries
    assert (entry.key, entry.url, entry.title) == (
        "https://blog.example/?p=7&x=1",
        "https://blog.example/7/",
        "AT&T – 7",
    )
    assert entry.summary == "It begins…"
    assert entry.tags == ("data & more", "python")
    assert (entry.published_at, entry.updated_at) == (
        datetime(2026, 11, 20, 8, tzinfo=UTC),
        datetime(2026, 11, 21, 8, tzinfo=UTC),
    )
    assert (entry.author, entry.image, entry.image_alt) == ("Ann", "https://blog.example/large.jpg", "A <b> & a cat")
    assert (entry.featured, entry.reading_minutes) == (True, 2)


def test_pages_are_read_up_to_the_last_one_and_the_limit(site: Site, read: Read) -> None:
    for page in (1, 2):
        serve(site, [post(100 * page + n) for n in range(100)], page, 100, pages="2")
    assert len(read(limit=300).entries) == 200
    assert len(read(limit=150).entries) == 150
    assert len(site.requests) == 4


def test_a_server_that_does_not_tell_its_pages_ends_with_a_short_one(site: Site, read: Read) -> None:
    serve(site, [post(n) for n in range(100)], 1, 100)
    serve(site, [post(500)], 2, 100)
    assert len(read(limit=1000).entries) == 101


BEYOND = b'{"code":"rest_post_invalid_page_number","message":"The page number requested is larger...","data":{"status":400}}'


def test_a_full_last_page_of_a_server_that_does_not_tell_its_pages_is_the_end(site: Site, read: Read) -> None:
    serve(site, [post(n) for n in range(100)], 1, 100)
    site.says(path(2, 100), BEYOND, status=400)
    reading = read(limit=300)
    assert (len(reading.entries), reading.faults) == (100, ())


@pytest.mark.parametrize(("page", "body"), [(1, BEYOND), (2, b'{"code":"rest_invalid_param"}'), (2, b"")])
def test_another_bad_request_is_one_line(site: Site, read: Read, page: int, body: bytes) -> None:
    serve(site, [post(n) for n in range(100)], 1, 100)
    site.says(path(page, 100), body, status=400)
    with pytest.raises(Unreachable, match=r"/wp-json/wp/v2/posts: the server answered 400 Bad Request"):
        read(limit=300)


def test_the_reading_is_of_the_latest_only(site: Site, read: Read) -> None:
    serve(site, [post(1)])
    assert read().latest_only


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<html>no", "the answer is not JSON"),
        (b'{"code": "rest_disabled"}', "the answer is no list of posts; `url` must be the address of a WordPress site"),
        (b"[" * 100_000, "the answer is not JSON"),
    ],
)
def test_another_answer_is_one_line(site: Site, read: Read, body: bytes, said: str) -> None:
    site.says(path(), body)
    with pytest.raises(Unreachable, match=said):
        read()


def test_a_site_without_the_api_is_one_line(site: Site, read: Read) -> None:
    site.says(path(), b"no", status=404)
    with pytest.raises(Unreachable, match=r"/wp-json/wp/v2/posts: the server answered 404 Not Found"):
        read()


HOSTILE: list[Any] = [
    None,
    5,
    "x",
    [],
    {},
    post(1, link="javascript:alert(1)"),
    post(2, title="x"),
    post(3, title={"rendered": ["x"]}),
]


def test_hostile_posts_stop_only_themselves(site: Site, read: Read) -> None:
    strange = post(9, _embedded=[], excerpt=[], content=5, guid="x", sticky="yes", date_gmt=5, modified_gmt={})
    odd = post(10, _embedded={"author": {}, "wp:term": [5, [None, {"taxonomy": []}]], "wp:featuredmedia": [{"media_details": 5}]})
    serve(site, [*HOSTILE, strange, odd])
    reading = read()
    assert [entry.url for entry in reading.entries] == ["https://blog.example/9/", "https://blog.example/10/"]
    assert len([fault for fault in reading.faults if fault.error]) == len(HOSTILE)

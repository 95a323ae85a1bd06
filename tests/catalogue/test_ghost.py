"""The source kind ghost: posts by the Content API, whose key is a secret."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from digest.catalogue.sources.ghost import Ghost
from digest.catalogue.sources.port import Reading, SourceContext
from digest.errors import Unreachable
from digest.settings import SourceSettings
from tests.catalogue.site import Site

Read = Callable[..., Reading]
KEY = "22444f78447824223cefc48062"


def path(page: int = 1, size: int = 50) -> str:
    return f"/ghost/api/content/posts/?limit={size}&page={page}&include=authors,tags&order=published_at%20desc&key={KEY}"


def serve(site: Site, posts: Any, page: int = 1, size: int = 50, following: Any = None) -> None:
    answer = {"posts": posts, "meta": {"pagination": {"next": following}}}
    site.says(path(page, size), json.dumps(answer).encode(), Content_Type="application/json")


def post(number: int, **values: Any) -> dict[str, Any]:
    return {"id": f"id{number}", "url": f"https://ghost.example/{number}/", "title": f"Vec<T> &amp; {number}", **values}


@pytest.fixture
def read(site: Site, context: SourceContext, source: Callable[..., SourceSettings]) -> Read:
    def read(**settings: Any) -> Reading:
        values = {"kind": "ghost", "url": site.url, "allow_private": True, "api_key": KEY, **settings}
        return Ghost(source(**values), context).read()

    return read


def test_a_post_is_read_with_its_public_tags(site: Site, read: Read) -> None:
    full = post(
        1,
        excerpt="Plain <b>text</b>",
        feature_image="https://ghost.example/1.jpg",
        feature_image_alt="A cat",
        published_at="2026-11-20T09:00:00.000+01:00",
        updated_at="2026-11-21T08:00:00.000Z",
        featured=True,
        reading_time=4,
        primary_author={"name": "Ann"},
        tags=[{"name": "Python", "visibility": "public"}, {"name": "#import", "visibility": "internal"}],
    )
    serve(site, [full])
    (entry,) = read().entries
    assert (entry.key, entry.url, entry.title) == ("id1", "https://ghost.example/1/", "Vec<T> &amp; 1")
    assert (entry.summary, entry.tags, entry.author) == ("Plain <b>text</b>", ("python",), "Ann")
    assert (entry.image, entry.image_alt) == ("https://ghost.example/1.jpg", "A cat")
    assert (entry.published_at, entry.updated_at) == (
        datetime(2026, 11, 20, 8, tzinfo=UTC),
        datetime(2026, 11, 21, 8, tzinfo=UTC),
    )
    assert (entry.featured, entry.reading_minutes) == (True, 4)


def test_pages_are_followed_up_to_the_limit(site: Site, read: Read) -> None:
    serve(site, [post(n) for n in range(100)], 1, 100, 2)
    serve(site, [post(100 + n) for n in range(100)], 2, 100, 3)
    assert len(read(limit=130).entries) == 130
    assert len(site.requests) == 2


def test_a_wrong_key_is_told_without_being_shown(site: Site, read: Read) -> None:
    site.says(path(), b"{}", status=401)
    with pytest.raises(Unreachable, match="the `api_key` is not one of this site's Content API keys") as caught:
        read()
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"posts": {}}'])
def test_another_answer_is_one_line_without_the_key(site: Site, read: Read, body: bytes) -> None:
    site.says(path(), body)
    with pytest.raises(Unreachable, match="the answer") as caught:
        read()
    assert KEY not in str(caught.value)


def test_hostile_posts_stop_only_themselves(site: Site, read: Read) -> None:
    bad: list[Any] = [None, 5, [], {}, post(1, url="javascript:x"), post(2, title=["x"])]
    odd = post(9, html=5, tags=[5, {"name": {}}], authors={}, primary_author=[], reading_time=True, feature_image=["x"])
    serve(site, [*bad, odd])
    reading = read()
    assert [entry.url for entry in reading.entries] == ["https://ghost.example/9/"]
    assert len([fault for fault in reading.faults if fault.error]) == len(bad)


def test_an_endless_pagination_ends_with_the_limit(site: Site, read: Read) -> None:
    for page in range(1, 11):
        serve(site, [], page, 100, page + 1)
    assert read(limit=1000).entries == ()
    assert len(site.requests) == 10

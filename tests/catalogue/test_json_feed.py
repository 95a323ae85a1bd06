"""JSON Feed, by both kinds that may meet one."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from digest.catalogue.sources.feed import Feed
from digest.catalogue.sources.json_file import JsonFile
from digest.catalogue.sources.port import Reading, SourceContext
from digest.errors import Unreachable
from digest.settings import SourceSettings

Read = Callable[..., Reading]
FEED: dict[str, Any] = {
    "version": "https://jsonfeed.org/version/1.1",
    "title": "Backend",
    "language": "en",
    "authors": [{"name": "The editors"}],
    "items": [
        {
            "id": "1",
            "url": "https://backend.example/1",
            "title": "Vec<T> & co",
            "content_html": "<p>Hello &amp; bye</p>",
            "date_published": "2026-11-20T08:00:00+01:00",
            "date_modified": "2026-11-21T08:00:00Z",
            "authors": [{"name": "Ada"}],
            "tags": ["Rust"],
            "attachments": [{"mime_type": "image/png", "url": "https://backend.example/1.png"}],
        },
        {
            "id": 2,
            "external_url": "https://elsewhere.example/2",
            "title": "Two",
            "summary": "1 < 2",
            "image": "https://b.example/2.png",
        },
        {"id": "https://backend.example/3", "title": "Three", "language": "de"},
    ],
}


@pytest.fixture(params=[("feed", Feed), ("json", JsonFile)], ids=["feed", "json"])
def read(request: pytest.FixtureRequest, context: SourceContext, source: Callable[..., SourceSettings]) -> Read:
    kind, cls = request.param

    def read(content: Any) -> Reading:
        (context.project / "feed.json").write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        reading: Reading = cls(source(kind=kind, path="feed.json"), context).read()
        return reading

    return read


def test_its_items_are_read(read: Read) -> None:
    reading = read(FEED)
    assert reading.latest_only
    assert reading.faults == ()
    one, two, three = reading.entries
    assert (one.key, one.title, one.summary, one.author) == ("1", "Vec<T> & co", "Hello & bye", "Ada")
    assert (one.tags, one.image, one.language) == (("rust",), "https://backend.example/1.png", "en")
    assert (one.published_at, one.updated_at) == (datetime(2026, 11, 20, 7, tzinfo=UTC), datetime(2026, 11, 21, 8, tzinfo=UTC))
    assert (two.key, two.url, two.summary, two.author) == ("2", "https://elsewhere.example/2", "1 < 2", "The editors")
    assert (three.url, three.language) == ("https://backend.example/3", "de")


def test_version_1_has_one_author(read: Read) -> None:
    old = {**FEED, "version": "https://jsonfeed.org/version/1", "author": {"name": "Old"}}
    del old["authors"]
    assert read(b"\xef\xbb\xbf" + json.dumps(old).encode()).entries[1].author == "Old"


def test_bad_items_stop_only_themselves(read: Read) -> None:
    reading = read({**FEED, "items": [7, {}, {"id": [], "title": "x", "url": {}}, {"id": "a", "title": "A"}, FEED["items"][0]]})
    assert [entry.key for entry in reading.entries] == ["1"]
    assert len([fault for fault in reading.faults if fault.error]) == 4


def test_one_without_items_is_one_clear_line(read: Read) -> None:
    with pytest.raises(Unreachable, match=r"^feed\.json: holds no list of `items`"):
        read({**FEED, "items": None})


def test_other_json_is_no_feed(context: SourceContext, source: Callable[..., SourceSettings]) -> None:
    for content, said in [
        (b'{"a": 1}', "no JSON Feed"),
        (b"{", "is not a feed that can be read"),
        (b'{"version": 7}', "no JSON Feed"),
    ]:
        (context.project / "feed.json").write_bytes(content)
        with pytest.raises(Unreachable, match=said):
            Feed(source(kind="feed", path="feed.json"), context).read()

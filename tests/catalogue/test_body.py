"""What an article's body says of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from digest.catalogue.cleaning import LONGEST_READING
from digest.catalogue.sources.body import BODY_LIMIT, attributes_of, complete, first_picture, reading_minutes
from digest.catalogue.sources.feed import Feed
from digest.catalogue.sources.json_file import JsonFile
from digest.catalogue.sources.port import SourceContext
from digest.settings import SourceSettings

BASE = "https://blog.example/a/b"
Make = Callable[..., SourceSettings]


@pytest.mark.parametrize(
    ("html", "found"),
    [
        ('<p><img src="x.png" alt="A &quot;cat&quot;"></p>', ("https://blog.example/a/x.png", 'A "cat"')),
        ("<IMG class=a SRC='/x.png'/>", ("https://blog.example/x.png", "")),
        ('<img alt="a > b" src="https://o.example/x.png?a=1&amp;b=2">', ("https://o.example/x.png?a=1&b=2", "a > b")),
        (
            '<img src="p.gif" width="1"><img src="s.png" height=16px><img src=y.png width=600>',
            ("https://blog.example/a/y.png", ""),
        ),
        ('<img src="data:image/png;base64,xx"><img src="javascript:x"><img alt="none">', None),
        ('<img src="http://[x">', None),
        ('<img src="x.png"', None),
        ("<image src='x.png'><imgx src='x.png'>", None),
    ],
)
def test_the_first_picture_that_is_meant_to_be_looked_at_is_found(html: str, found: tuple[str, str] | None) -> None:
    assert first_picture(html, BASE) == found


@pytest.mark.parametrize(
    ("html", "minutes"),
    [
        ("word " * 100, None),
        ("word " * 150, 1),
        ("<p>word</p>" * 714, 3),
        ("<script>" + "x " * 1000 + "</script>" + "– " * 1000, None),
        ("漢字です" * 1000, None),
    ],
)
def test_reading_time_is_told_of_whole_articles_alone(html: str, minutes: int | None) -> None:
    assert reading_minutes(html) == minutes


@pytest.mark.parametrize(
    "html", ["<img " * 300_000, "<" * BODY_LIMIT, "<img src='" * 200_000, "<script>" * 200_000, "<img a" + " " * BODY_LIMIT]
)
def test_a_hostile_body_costs_little_and_shows_nothing(html: str) -> None:
    assert first_picture(html, BASE) is None
    assert len(list(attributes_of("img", html))) <= 200
    assert (reading_minutes(html) or 0) < LONGEST_READING


def test_what_the_source_says_itself_stays() -> None:
    raw: dict[str, Any] = {"image": "i", "reading_minutes": 9}
    assert complete(raw, "<img src=x.png>" + "word " * 1000, BASE) == {"image": "i", "reading_minutes": 9}


CONTENT = "&lt;img src=&quot;/1.png&quot; alt=&quot;A &amp;amp; B&quot;&gt;" + "word " * 476
RSS = f"""<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><link>https://blog.example/</link>
<item><title>One</title><link>/one</link><description>Short.</description><content:encoded>{CONTENT}</content:encoded></item>
</channel></rss>"""


def test_a_feed_from_a_file_has_pictures_times_and_addresses_of_its_site(context: SourceContext, source: Make) -> None:
    (context.project / "feed.xml").write_text(RSS)
    (entry,) = Feed(source(kind="feed", path="feed.xml"), context).read().entries
    assert (entry.url, entry.summary) == ("https://blog.example/one", "Short.")
    assert (entry.image, entry.image_alt, entry.reading_minutes) == ("https://blog.example/1.png", "A & B", 2)


def test_a_json_feed_from_a_file_has_them_too(context: SourceContext, source: Make) -> None:
    items = (
        '[{"id": 1, "url": "/one", "title": "One", "content_html": "<img src=1.png>' + "word " * 476 + '"}, {"id": 5, "url": 5}]'
    )
    feed = '{"version": "https://jsonfeed.org/version/1.1", "home_page_url": "https://blog.example/", "items": ' + items + "}"
    (context.project / "articles.json").write_text(feed)
    (entry,) = JsonFile(source(), context).read().entries
    assert (entry.url, entry.image, entry.reading_minutes) == ("https://blog.example/one", "https://blog.example/1.png", 2)

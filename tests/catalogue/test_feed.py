"""The source kind feed: RSS and Atom."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest

from digest.catalogue.sources.content import Content
from digest.catalogue.sources.feed import Feed, parse_feed
from digest.catalogue.sources.parsers import Limits, Parsers
from digest.catalogue.sources.port import Reading, SourceContext
from digest.errors import Unreachable
from digest.settings import SourceSettings

Read = Callable[..., Reading]

RSS = """<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:media="http://search.yahoo.com/mrss/" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>
<title>Backend</title><link>https://backend.example/</link><language>en-us</language>
<item><title>AT&amp;amp;T and Vec&lt;T&gt;</title><link>https://backend.example/1?utm_source=rss</link><guid isPermaLink="false">g1</guid>
<description>&lt;p&gt;Hi &amp;amp; bye&lt;/p&gt;&lt;script&gt;x&lt;/script&gt;</description><pubDate>Fri, 20 Nov 2026 08:00:00 +0100</pubDate>
<category>Python</category><category>Databases</category><author>jane@backend.example (Jane Doe)</author>
<enclosure url="https://backend.example/1.jpg" type="image/jpeg" length="1"/></item>
<item><title>Two</title><link>https://backend.example/2</link><pubDate>2026-11-19T08:00:00</pubDate><dc:creator>Bob</dc:creator>
<media:content url="https://backend.example/2.png" medium="image"/></item>
<item><title>Three</title><guid>https://backend.example/3</guid><author>bob@backend.example</author></item>
</channel></rss>"""
ATOM = """<?xml version="1.0" encoding="utf-8"?>
<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="de"><title>Backend</title>
<entry><id>tag:backend.example,2026:1</id><title>Use &lt;b&gt; &amp;amp; be happy</title><link rel="alternate" href="https://backend.example/1"/>
<link rel="enclosure" type="image/png" href="https://backend.example/1.png"/>
<published>2026-11-20T08:00:00Z</published><updated>2026-11-21T08:00:00Z</updated><author><name>Jane</name></author>
<category term="python" label="Python 3"/><content type="html">&lt;p&gt;All of it.&lt;/p&gt;</content></entry>
<entry><id>2</id><title type="html">&lt;em&gt;Two&lt;/em&gt;</title><link href="https://backend.example/2"/><updated>2026-11-19T08:00:00Z</updated></entry>
</feed>"""


@pytest.fixture
def read(context: SourceContext, source: Callable[..., SourceSettings]) -> Read:
    def read(content: str | bytes, **settings: Any) -> Reading:
        (context.project / "feed.xml").write_bytes(content if isinstance(content, bytes) else content.encode())
        return Feed(source(kind="feed", path="feed.xml", **settings), context).read()

    return read


def test_rss_is_read(read: Read) -> None:
    reading = read(RSS)
    assert reading.faults == ()
    assert reading.latest_only
    one, two, three = reading.entries
    assert (one.key, one.url) == ("g1", "https://backend.example/1?utm_source=rss")
    assert (one.canonical_url, one.image) == ("https://backend.example/1", "https://backend.example/1.jpg")
    assert (one.title, one.summary, one.author) == ("AT&T and Vec<T>", "Hi & bye", "Jane Doe")
    assert (one.tags, one.language) == (("python", "databases"), "en-us")
    assert one.published_at == datetime(2026, 11, 20, 7, tzinfo=UTC)
    assert two.published_at == datetime(2026, 11, 19, 7, tzinfo=UTC), "a time without a zone is the newsletter's"
    assert (two.key, two.author, two.image) == ("https://backend.example/2", "Bob", "https://backend.example/2.png")
    assert (three.key, three.url, three.published_at) == ("https://backend.example/3", "https://backend.example/3", None)
    assert three.author is None, "an address is nobody's name"


def test_atom_is_read(read: Read) -> None:
    one, two = read(ATOM).entries
    assert (one.key, one.title, one.summary) == ("tag:backend.example,2026:1", "Use <b> &amp; be happy", "All of it.")
    assert (one.tags, one.author, one.language) == (("python 3",), "Jane", "de")
    assert (one.published_at, one.updated_at) == (datetime(2026, 11, 20, 8, tzinfo=UTC), datetime(2026, 11, 21, 8, tzinfo=UTC))
    assert (two.title, two.published_at) == ("Two", datetime(2026, 11, 19, 8, tzinfo=UTC))


def test_an_author_is_a_name_without_an_address(read: Read) -> None:
    for written, name in [
        ("Jane Doe &lt;jane@backend.example&gt;", "Jane Doe"),
        ("jane@backend.example (Jane Doe)", "Jane Doe"),
        ("Jane (Editor)", "Jane (Editor)"),
        ("jane@backend.example", None),
    ]:
        assert read(RSS.replace("jane@backend.example (Jane Doe)", written)).entries[0].author == name


def test_another_encoding_is_read(read: Read) -> None:
    for encoding in ("iso-8859-1", "utf-16"):
        text = ATOM.replace("utf-8", encoding).replace("be happy", "be glücklich")
        assert read(text.encode(encoding)).entries[0].title.endswith("be glücklich")


def test_a_feed_without_entries_is_no_fault(read: Read) -> None:
    assert read("<rss version='2.0'><channel><title>x</title></channel></rss>") == Reading((), (), latest_only=True)


def test_a_whole_article_becomes_a_summary(read: Read) -> None:
    text = ATOM.replace("All of it.", "word " * 1000)
    reading = read(text)
    assert len(reading.entries[0].summary) <= 400
    assert reading.faults == ()


def test_a_malformed_feed_gives_what_can_be_read_and_a_warning(read: Read) -> None:
    reading = read(RSS.replace("<item><title>Three", "<item><title>Three & four").replace("</channel></rss>", ""))
    assert [entry.key for entry in reading.entries][:2] == ["g1", "https://backend.example/2"]
    assert not reading.faults[0].error
    assert reading.faults[0].message.startswith("is malformed (line ")


def test_bad_entries_stop_only_themselves(read: Read) -> None:
    text = RSS.replace("https://backend.example/2</link>", "javascript:alert(1)</link>").replace(
        "Fri, 20 Nov 2026", "Someday, 20 Foo 2026"
    )
    reading = read(text)
    assert [entry.key for entry in reading.entries] == ["g1", "https://backend.example/3"]
    assert [(fault.place, fault.field, fault.error) for fault in reading.faults] == [
        ("entry 0", "published_at", False),
        ("entry 1", "url", True),
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"),
        ("garbage", "is not a feed that can be read"),
        ("[]", "is not a feed that can be read"),
        ("<html><body>Hello</body></html>", "neither RSS nor Atom"),
        ("<!DOCTYPE html><html></html>", "is a web page"),
        ("<rss version='2.0'><channel>", "is not a feed that can be read .line 2"),
        (
            "<?xml version='1.0'?><!-- x --><!DOCTYPE rss [<!ENTITY a 'b'>]><rss version='2.0'><channel/></rss>",
            "entity declarations are refused",
        ),
        ("\ufeff<!DOCTYPE rss SYSTEM 'x' [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><rss/>", "entity declarations are refused"),
        ("file:///etc/passwd", "is not a feed"),
        ("/etc/passwd", "is not a feed"),
        ("http://127.0.0.1:1/", "is not a feed"),
    ],
)
def test_what_is_no_feed_is_one_clear_line(read: Read, content: str, said: str) -> None:
    with pytest.raises(Unreachable, match=said) as refused:
        read(content)
    assert str(refused.value).startswith("feed.xml: ")


def test_entities_hidden_in_utf_16_are_refused(read: Read) -> None:
    with pytest.raises(Unreachable, match="entity declarations are refused"):
        read("<!DOCTYPE rss [<!ENTITY a 'b'>]><rss/>".encode("utf-16"))


def test_an_old_doctype_without_declarations_is_harmless(read: Read) -> None:
    doctype = '<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" "http://backend.example/rss-0.91.dtd">'
    assert len(read(RSS.replace("<rss", doctype + "<rss", 1)).entries) == 3


def test_the_parser_runs_out_of_memory_alone() -> None:
    with pytest.raises(Unreachable, match=r"needs more than 60 MB|could not be parsed"):
        parse_feed(
            Content(b"<rss version='2.0'><channel>" + b"<item><title>x</title></item>" * 200_000, "x"),
            limits=Limits(memory=60 * 1024 * 1024),
        )


def test_the_parser_runs_out_of_time_alone() -> None:
    content = Content(b"<rss version='2.0'><channel><item><title>" + b"<a " * 200_000, "x")
    started = time.monotonic()
    with pytest.raises(Unreachable, match="seconds"):
        parse_feed(content, limits=Limits(cpu=1))
    with pytest.raises(Unreachable, match=r"within 0\.5 seconds"):
        parse_feed(content, limits=Limits(wall=0.5))
    assert time.monotonic() - started < 20


def test_relative_addresses_are_completed_by_the_feeds_own() -> None:
    text = RSS.replace("https://backend.example/2<", "/zwei<")
    feed = parse_feed(Content(text.encode(), "x", "https://backend.example/feed/rss.xml"))
    assert feed["entries"][1]["url"] == "https://backend.example/zwei"


def test_a_fetched_feed_is_read(
    monkeypatch: pytest.MonkeyPatch, context: SourceContext, source: Callable[..., SourceSettings]
) -> None:
    from digest.catalogue import fetching

    def fetch(url: str, *, allow_private: bool, **others: Any) -> fetching.Page:
        assert not allow_private
        return fetching.Page(url, RSS.replace("https://backend.example/2<", "/zwei<").encode(), "text/xml")

    monkeypatch.setattr(fetching, "fetch", fetch)
    reading = Feed(source(kind="feed", url="https://backend.example/rss"), context).read()
    assert reading.entries[1].url == "https://backend.example/zwei"
    assert reading.faults == ()


def test_one_child_parses_many_feeds_and_a_hostile_one_harms_no_other() -> None:
    good, poison = RSS.encode(), b"<rss version='2.0'><channel><item><title>" + b"<a " * 200_000
    with Parsers(1) as parsers:
        for data, limits in [
            (good, Limits()),
            (poison, Limits(cpu=1)),
            (good, Limits()),
            (poison, Limits(wall=0.5)),
            (good, Limits()),
        ]:
            if data is good:
                assert len(parsers.parse(data, None, None, limits)["entries"]) == 3
            else:
                with pytest.raises(Unreachable, match="seconds"):
                    parsers.parse(data, None, None, limits)


def test_no_more_feeds_are_parsed_at_once_than_parsers_were_given() -> None:
    with Parsers(2) as parsers, ThreadPoolExecutor(8) as threads:
        feeds = threads.map(lambda _: parsers.parse(RSS.encode(), None, None, Limits()), range(20))
        assert [len(feed["entries"]) for feed in feeds] == [3] * 20
        assert parsers.started == 2


def test_a_parser_that_was_killed_is_replaced() -> None:
    with Parsers(1) as parsers:
        for number in range(3):
            assert len(parsers.parse(RSS.encode(), None, None, Limits())["entries"]) == 3
            assert parsers.started == number + 1
            (parser,) = parsers.idle
            os.kill(parser.pid, signal.SIGKILL)
            with pytest.raises(Unreachable, match="could not be parsed"):
                parsers.parse(RSS.encode(), None, None, Limits())

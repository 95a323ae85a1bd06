"""The source kind sitemap: new pages, read for their Open Graph tags."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from digest.catalogue.memory import Memory
from digest.catalogue.sources.parsers import Parsers
from digest.catalogue.sources.port import Reading, SourceContext
from digest.catalogue.sources.sitemap import LONGEST, Sitemap
from digest.catalogue.visiting import Visits
from digest.errors import Unreachable
from digest.settings import SourceSettings
from tests.catalogue.site import Site

Read = Callable[..., Reading]
URLSET = '<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{}</urlset>'
INDEX = '<?xml version="1.0"?><sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{}</sitemapindex>'


def page(title: str, more: str = "") -> bytes:
    return (
        f'<!doctype html><html lang="en"><head><title>Other</title><meta property="og:type" content="article">'
        f'<meta property="og:title" content="{title}"/>{more}</head><body>…</body></html>'
    ).encode()


@pytest.fixture(scope="module")
def parsers() -> Iterator[Parsers]:
    with Parsers(1) as parsers:
        yield parsers


@pytest.fixture
def read(site: Site, context: SourceContext, source: Callable[..., SourceSettings], parsers: Parsers) -> Read:
    """Reads the sitemap as run after run does: what one remembers, the next one knows."""
    kept: dict[str, Memory] = {}

    def read(clock: Callable[[], float] = lambda: 0.0, **settings: Any) -> Reading:
        one = source(kind="sitemap", url=f"{site.url}/sitemap.xml", allow_private=True, **settings)
        visits = Visits(memories={one.name: Memory.of(asdict(kept["last"]), one)} if kept else {})
        reading = Sitemap(one, replace(context, visits=visits, parsers=parsers), clock).read()
        assert reading.memory is not None
        kept["last"] = reading.memory
        return reading

    return read


def lists(site: Site, *pages: str, path: str = "/sitemap.xml", shape: str = URLSET) -> None:
    """A sitemap of pages on the site, each named by its path, optionally with a space and its lastmod."""
    entries = (each.partition(" ") for each in pages)
    element = "sitemap" if shape is INDEX else "url"
    rows = (
        f"<{element}><loc>{site.url}{place}</loc>{f'<lastmod>{when}</lastmod>' if when else ''}</{element}>"
        for place, _, when in entries
    )
    site.says(path, shape.format("".join(rows)).encode())


def titles(reading: Reading) -> list[str]:
    return [entry.title for entry in reading.entries]


def test_an_article_says_what_it_is(site: Site, read: Read) -> None:
    lists(site, "/one 2026-11-20")
    more = (
        '<meta property="og:description" content="Cats &amp;amp; &lt;b&gt; &quot;dogs&quot;"><meta name="author" content="Ann">'
        '<meta property="article:published_time" content="2026-11-20T09:00:00+01:00">'
        '<meta property="article:modified_time" content="2026-11-21T08:00:00Z"><meta property="article:tag" content="Python">'
        "<meta property='article:tag' content='C++'><meta property=og:image content=/1.png>"
        '<meta property="og:image:alt" content="A cat"><link rel="canonical" href="/one?utm_source=x">'
    )
    site.says("/one", page("Vec&lt;T&gt; &amp; co", more))
    (entry,) = read().entries
    assert (entry.title, entry.summary, entry.author) == ("Vec<T> & co", 'Cats &amp; <b> "dogs"', "Ann")
    assert (entry.url, entry.canonical_url) == (f"{site.url}/one?utm_source=x", f"{site.url}/one")
    assert (entry.published_at, entry.updated_at) == (
        datetime(2026, 11, 20, 8, tzinfo=UTC),
        datetime(2026, 11, 21, 8, tzinfo=UTC),
    )
    assert (entry.tags, entry.language) == (("python", "c++"), "en")
    assert (entry.image, entry.image_alt) == (f"{site.url}/1.png", "A cat")


def test_only_new_pages_are_read_after_the_first_time(site: Site, read: Read) -> None:
    lists(site, "/old 2020-01-01", "/older 2019-01-01", "/one 2026-11-20")
    site.says("/one", page("One"))
    assert titles(read(limit=1)) == ["One"]
    assert read(limit=1).entries == ()
    lists(site, "/old 2020-01-01", "/older 2019-01-01", "/one 2026-11-24", "/two 2026-11-23")
    site.says("/two", page("Two"))
    assert titles(read(limit=1)) == ["Two"]
    assert [path for path, _ in site.requests if path != "/sitemap.xml"] == ["/one", "/two"]


def test_more_new_pages_than_the_limit_are_read_by_the_next_fetches(site: Site, read: Read) -> None:
    lists(site, "/0")
    site.says("/0", page("0"))
    read(limit=2)
    lists(site, "/0", *(f"/{n} 2026-11-0{n}" for n in range(1, 6)))
    for n in range(1, 6):
        site.says(f"/{n}", page(str(n)))
    first = read(limit=2)
    assert (titles(first), str(first.faults[0])) == (["5", "4"], "sitemap: 3 new pages are left for the next fetches")
    assert [titles(read(limit=2)), titles(read(limit=2)), titles(read(limit=2))] == [["3", "2"], ["1"], []]


def test_pages_are_not_new_again_when_settings_change(site: Site, read: Read) -> None:
    lists(site, "/one", "/two")
    site.says("/one", page("One"))
    site.says("/two", page("Two"))
    assert len(read().entries) == 2
    assert read(tags=["x"]).entries == ()


def test_the_maps_that_an_index_names_are_read_and_a_bad_one_stops_only_itself(site: Site, read: Read) -> None:
    lists(site, "/a.xml 2026-01-01", "/b.xml.gz 2026-11-01", "/c.xml", shape=INDEX)
    lists(site, "/one", path="/a.xml")
    site.says("/b.xml.gz", gzip.compress(URLSET.format(f"<url><loc>{site.url}/two</loc></url>").encode()))
    site.says("/c.xml", b"", status=500)
    site.says("/one", page("One"))
    site.says("/two", page("Two"))
    reading = read()
    assert sorted(titles(reading)) == ["One", "Two"]
    (fault,) = reading.faults
    assert str(fault).endswith("/c.xml: the server answered 500 Internal Server Error")


def test_a_map_that_fails_once_makes_no_page_a_new_one(site: Site, read: Read) -> None:
    lists(site, "/a.xml", shape=INDEX)
    lists(site, "/old 2020-01-01", "/one 2026-01-01", path="/a.xml")
    site.says("/one", page("One"))
    site.says("/old", page("Old"))
    assert titles(read(limit=1)) == ["One"]
    site.says("/a.xml", b"", status=500)
    assert titles(read(limit=1)) == []
    lists(site, "/old 2020-01-01", "/one 2026-01-01", path="/a.xml")
    assert titles(read(limit=1)) == []


def test_only_pages_under_an_address_are_read(site: Site, read: Read) -> None:
    lists(site, "/blog/one", "/about")
    site.says("/blog/one", page("One"))
    assert titles(read(under=f"{site.url}/blog/")) == ["One"]


def test_what_is_no_article_is_left_out_and_not_asked_again(site: Site, read: Read) -> None:
    lists(site, "/about")
    site.says("/about", b"<title>About</title><meta property='og:type' content='website'>")
    (fault,) = read().faults
    assert str(fault).endswith("/about: does not call itself an article (og:type), and is left out")
    assert read() == Reading((), memory=read().memory)
    assert [path for path, _ in site.requests].count("/about") == 1


def test_a_page_that_fails_is_tried_three_times(site: Site, read: Read) -> None:
    lists(site, "/gone")
    site.says("/gone", b"", status=404)
    said = [str(*read().faults) for _ in range(3)]
    assert [line.endswith("404 Not Found") for line in said] == [True, True, False]
    assert said[-1].endswith("404 Not Found; it is given up")
    assert read().faults == ()
    assert [path for path, _ in site.requests].count("/gone") == 3


def test_a_fetch_that_takes_too_long_leaves_the_rest_for_the_next(site: Site, read: Read) -> None:
    lists(site, "/one 2026-11-02", "/two 2026-11-01")
    site.says("/one", page("One"))
    site.says("/two", page("Two"))
    times = iter([0.0, LONGEST - 1, LONGEST])
    assert titles(read(lambda: next(times))) == ["One"]
    assert titles(read()) == ["Two"]


def test_a_host_that_asks_for_a_pause_is_left_alone(site: Site, read: Read) -> None:
    lists(site, "/one 2026-11-02", "/two 2026-11-01", "/three 2026-10-01")
    site.says("/one", page("One"))
    site.says("/two", b"", status=429, Retry_After="600")
    assert titles(read()) == ["One"]
    assert "/three" not in [path for path, _ in site.requests]


def test_a_page_may_not_pass_for_anothers(site: Site, read: Read) -> None:
    lists(site, "/one")
    site.says("/one", page("One", '<link rel=canonical href="https://bank.example/"><meta property=og:url content="http://[x">'))
    assert read().entries[0].url == f"{site.url}/one"


LAUGHS = b'<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><urlset><url><loc>&b;</loc></url></urlset>'
XXE = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><urlset><url><loc>&a;</loc></url></urlset>'


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (LAUGHS, r"/sitemap\.xml: is not XML that can be read \(it declares a document type"),
        (XXE, r"is not XML that can be read \(it declares a document type"),
        (b"<html></html>", "is not a sitemap"),
        (b"", "is not XML that can be read"),
        (b"\x00\xff\xfe", "is not XML that can be read"),
        (b"<urlset><url>", "is not XML that can be read"),
        (gzip.compress(b"x" * (51 * 1024 * 1024)), "is larger than 50 MB when unpacked"),
        (b"\x1f\x8bnothing", "cannot be unpacked"),
    ],
)
def test_what_is_no_sitemap_is_one_line(site: Site, read: Read, body: bytes, said: str) -> None:
    site.says("/sitemap.xml", body)
    with pytest.raises(Unreachable, match=said):
        read()


def test_hostile_addresses_in_a_sitemap_are_not_asked(site: Site, read: Read) -> None:
    places = ("javascript:x", "file:///etc/passwd", "http://169.254.169.254/", "http://[::1/", "", "x" * 5000)
    rows = "".join(f"<url><loc>{place}</loc><lastmod>9999</lastmod></url>" for place in places)
    site.says("/sitemap.xml", URLSET.format(rows).encode())
    reading = read()
    assert reading.entries == ()
    assert "169.254.169.254 is link-local, multicast or reserved" in str(reading.faults[0])


@pytest.mark.parametrize("charset", ["utf-8", "zip", "rot13", "idna", "nonsense", "utf-16"])
def test_a_page_of_another_encoding_than_it_says_is_read_harmlessly(site: Site, read: Read, charset: str) -> None:
    lists(site, "/one")
    site.says("/one", page("One \x00\u202e"), Content_Type=f"text/html; charset={charset}")
    assert all(title == "One" for title in titles(read()))

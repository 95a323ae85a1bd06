"""The source kind sitemap: new pages, read for their Open Graph tags."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from digest.catalogue import fetching
from digest.catalogue.fetching import Page
from digest.catalogue.memory import Memory
from digest.catalogue.sources import listing
from digest.catalogue.sources.parsers import Parsers
from digest.catalogue.sources.port import Reading, SourceContext
from digest.catalogue.sources.sitemap import LONGEST, Sitemap
from digest.catalogue.visiting import Paused, Visits
from digest.errors import Unreachable
from digest.settings import SourceSettings
from tests.catalogue.conftest import NOW
from tests.catalogue.site import Site, serving

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

    def read(clock: Callable[[], float] = lambda: 0.0, now: datetime = NOW, **settings: Any) -> Reading:
        one = source(**{"kind": "sitemap", "url": f"{site.url}/sitemap.xml", "allow_private": True} | settings)
        visits = Visits(now=now, memories={one.name: Memory.of(asdict(kept["last"]), one)} if kept else {})
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


def test_pages_outside_of_it_are_no_new_ones_when_it_is_widened(site: Site, read: Read) -> None:
    lists(site, "/blog/one", "/about", "/contact")
    site.says("/blog/one", page("One"))
    read(under=f"{site.url}/blog/")
    assert read() == Reading((), memory=read().memory)
    lists(site, "/blog/one", "/about", "/contact", "/news")
    site.says("/news", page("News"))
    assert titles(read()) == ["News"]
    assert [path for path, _ in site.requests if path != "/sitemap.xml"] == ["/blog/one", "/news"]


@pytest.mark.parametrize("under", ["{0}/blog%2dnotes/", "HTTP://{1}/blog-notes/?utm_source=x", "{0}/blog-notes/#top"])
def test_under_is_compared_as_addresses_are(site: Site, read: Read, under: str) -> None:
    lists(site, "/blog-notes/one")
    site.says("/blog-notes/one", page("One"))
    assert titles(read(under=under.format(site.url, f"127.0.0.1:{site.port}"))) == ["One"]


def test_an_under_that_no_page_is_under_is_told_and_can_still_be_corrected(site: Site, read: Read) -> None:
    lists(site, "/blog/one 2026-11-20", "/about 2019-01-01")
    site.says("/blog/one", page("One"))
    (fault,) = read(under=f"{site.url}/blgo/", limit=1).faults
    assert str(fault) == f"sitemap, under: none of its pages begins with {site.url}/blgo/; correct `under`"
    assert titles(read(under=f"{site.url}/blog/", limit=1)) == ["One"]


def test_only_the_sitemaps_own_host_may_be_private(site: Site, read: Read) -> None:
    with serving() as other:
        for where in (site, other):
            where.says("/one", page("One"))
            where.says("/two", page("Two"))
            lists(where, "/two", path="/more.xml")
        rows = f"<url><loc>{site.url}/one</loc></url><url><loc>{other.url}/two</loc></url><url><loc>{other.url}/one</loc></url>"
        site.says("/a.xml", URLSET.format(rows).encode())
        places = (f"{site.url}/a.xml", f"{other.url}/more.xml")
        rows = "".join(f"<sitemap><loc>{place}</loc></sitemap>" for place in places)
        site.says("/sitemap.xml", INDEX.format(rows).encode())
        reading = read()
    here = f"127.0.0.1:{site.port}"
    assert titles(reading) == ["One"]
    assert [str(fault) for fault in reading.faults] == [
        f"sitemap: names another whose address is of another host than {here}, which `allow_private` is for",
        f"sitemap: 2 pages are on other hosts and left out: with `allow_private` only {here} is asked",
    ]
    assert other.requests == []


def test_no_redirect_leads_from_a_private_host_to_another(site: Site, read: Read) -> None:
    with serving("127.0.0.2") as other:
        other.says("/secret", page("Secret"))
        lists(site, "/one")
        site.says("/one", b"", status=302, Location=f"http://127.0.0.2:{other.port}/secret")
        (fault,) = read().faults
    assert "127.0.0.2 is private or loopback" in str(fault)
    assert "allow_private" not in str(fault)
    assert other.requests == []


def test_what_is_no_article_is_left_out_and_not_asked_again(site: Site, read: Read) -> None:
    lists(site, "/about")
    site.says("/about", b"<title>About</title><meta property='og:type' content='website'>")
    (fault,) = read().faults
    assert str(fault).endswith("/about: does not call itself an article (og:type), and is left out")
    assert read() == Reading((), memory=read().memory)
    assert [path for path, _ in site.requests].count("/about") == 1


def test_a_page_that_fails_is_tried_for_a_week_however_often_that_is(site: Site, read: Read) -> None:
    lists(site, "/gone")
    site.says("/gone", b"", status=404)
    said = [str(*read(now=NOW + timedelta(hours=hours)).faults) for hours in (0, 1, 2, 3, 24, 6 * 24, 7 * 24)]
    assert [line.endswith("404 Not Found") for line in said] == [True] * 6 + [False]
    assert said[-1].endswith("404 Not Found; it is given up")
    assert read(now=NOW + timedelta(days=8)).faults == ()
    assert [path for path, _ in site.requests].count("/gone") == 7


def test_a_page_that_failed_stands_back_behind_new_ones(site: Site, read: Read) -> None:
    lists(site, "/bad 2026-11-20")
    site.says("/bad", b"", status=500)
    read(limit=1)
    lists(site, "/bad 2026-11-20", "/old 2019-01-01")
    for name in ("bad", "old"):
        site.says(f"/{name}", page(name))
    assert [titles(read(limit=1)), titles(read(limit=1)), titles(read(limit=1))] == [["old"], ["bad"], []]


def test_a_fetch_that_takes_too_long_leaves_the_rest_for_the_next(site: Site, read: Read) -> None:
    lists(site, "/one 2026-11-02", "/two 2026-11-01")
    site.says("/one", page("One"))
    site.says("/two", page("Two"))
    times = iter([0.0, 0.0, LONGEST - 1, LONGEST])
    assert titles(read(lambda: next(times))) == ["One"]
    assert titles(read()) == ["Two"]


def test_a_host_that_asks_for_a_pause_is_left_alone(site: Site, read: Read) -> None:
    lists(site, "/one 2026-11-02", "/two 2026-11-01", "/three 2026-10-01")
    site.says("/one", page("One"))
    site.says("/two", b"", status=429, Retry_After="600")
    reading = read()
    assert titles(reading) == ["One"]
    assert reading.paused_until == NOW + timedelta(minutes=10)
    assert "asked not to be visited before 2026-11-22 12:10 UTC" in str(reading.faults[-1])
    assert "/three" not in [path for path, _ in site.requests]


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("place", ["/sitemap.xml", "/a.xml"])
def test_a_map_whose_host_asks_for_a_pause_is_no_other_failure(site: Site, read: Read, place: str, status: int) -> None:
    lists(site, "/a.xml", "/b.xml", shape=INDEX)
    lists(site, "/one", path="/b.xml")
    site.says(place, b"", status=status, Retry_After="600")
    with pytest.raises(Paused) as caught:
        read()
    assert caught.value.until == NOW + timedelta(minutes=10)
    assert "/b.xml" not in [path for path, _ in site.requests]


def test_maps_that_take_too_long_are_refused_at_first_and_later_told(site: Site, read: Read) -> None:
    lists(site, "/new.xml 2026-11-01", "/old.xml 2020-01-01", shape=INDEX)
    lists(site, "/one", path="/new.xml")
    lists(site, "/older", path="/old.xml")
    for name in ("one", "two", "older"):
        site.says(f"/{name}", page(name))

    def slow() -> Callable[[], float]:
        times = iter([0.0, listing.LONGEST - 1])
        return lambda: next(times, listing.LONGEST)

    with pytest.raises(Unreachable, match=r"1 were not come to within 120 seconds, and the first fetch needs them all; make one"):
        read(slow())
    assert sorted(titles(read())) == ["older", "one"]
    lists(site, "/one", "/two", path="/new.xml")
    reading = read(slow())
    assert titles(reading) == ["two"]
    assert str(reading.faults[0]) == "sitemap: names others, of which 1 were not come to within 120 seconds"


def test_a_page_may_not_pass_for_anothers(site: Site, read: Read) -> None:
    lists(site, "/one")
    site.says("/one", page("One", '<link rel=canonical href="https://bank.example/"><meta property=og:url content="http://[x">'))
    assert read().entries[0].url == f"{site.url}/one"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<urlset>" + b"<url/>" * 500_000 + b"</urlset>", r"/sitemap\.xml: has more than 500,000 elements, and is not read"),
        (b"<a>" * 1_000_000, "has elements nested more than 100 deep, and is not read"),
    ],
)
def test_a_map_of_more_elements_than_it_may_have_is_one_line(site: Site, read: Read, body: bytes, said: str) -> None:
    site.says("/sitemap.xml", body)
    with pytest.raises(Unreachable, match=said):
        read()


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
    (fault,) = read().faults
    assert str(fault).startswith("sitemap: 1 page is on other hosts and left out")


def test_hostile_addresses_in_a_public_sitemap_are_not_asked(
    context: SourceContext, source: Callable[..., SourceSettings], parsers: Parsers
) -> None:
    def fetch(url: str, **how: Any) -> Page:
        rows = "<url><loc>http://169.254.169.254/</loc></url><url><loc>http://127.0.0.1/</loc></url>"
        return Page(url, URLSET.format(rows).encode(), None) if url.endswith(".xml") else fetching.fetch(url, **how)

    one = source(kind="sitemap", url="https://site.example/sitemap.xml")
    reading = Sitemap(one, replace(context, visits=Visits(fetch=fetch), parsers=parsers)).read()
    assert reading.entries == ()
    said = sorted(str(fault) for fault in reading.faults)
    assert "127.0.0.1 is private or loopback" in said[0]
    assert "169.254.169.254 is link-local, multicast or reserved" in said[1]


@pytest.mark.parametrize("charset", ["utf-8", "zip", "rot13", "idna", "nonsense", "utf-16"])
def test_a_page_of_another_encoding_than_it_says_is_read_harmlessly(site: Site, read: Read, charset: str) -> None:
    lists(site, "/one")
    site.says("/one", page("One \x00\u202e"), Content_Type=f"text/html; charset={charset}")
    assert all(title == "One" for title in titles(read()))

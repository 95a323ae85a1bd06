"""Hostile servers and feeds, each over HTTP on loopback and through the whole way of a source: one line, or entries that are
whole, and never an address connected to that is not loopback.
"""

from __future__ import annotations

import gzip
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from http.server import BaseHTTPRequestHandler
from typing import Any

import httpcore2
import pytest

from digest.catalogue.cleaning import SUMMARY_LIMIT, TITLE_LIMIT
from digest.catalogue.connecting import connect
from digest.catalogue.fetching import Bounds, fetch
from digest.catalogue.reading_sources import SourceResult, read_sources
from digest.catalogue.sources.port import Reading, SourceContext
from digest.catalogue.visiting import Visits
from digest.settings import SourceSettings
from tests.catalogue.site import Site

Make = Callable[..., SourceSettings]
Read = Callable[..., SourceResult]
QUICK = Bounds(read_seconds=5, total_seconds=1.5)


def rss(items: str, head: str = "") -> bytes:
    return f'<?xml version="1.0" encoding="utf-8"?>{head}<rss version="2.0"><channel>{items}</channel></rss>'.encode()


def item(number: int, title: str = "Title", more: str = "") -> str:
    return f"<item><title>{title}</title><link>https://b.example/{number}</link>{more}</item>"


@pytest.fixture
def read(site: Site, context: SourceContext, source: Make) -> Read:
    """Reads one page of the site as a source, by the road every source takes."""

    def read(path: str = "/feed", kind: str = "feed", **visits: Any) -> SourceResult:
        settings = source(kind=kind, url=site.url + path, allow_private=True)
        (result,) = read_sources([settings], replace(context, visits=Visits(**visits)))
        return result

    return read


def good(result: SourceResult) -> Reading:
    assert result.error is None
    assert result.reading is not None
    return result.reading


def streams(site: Site, chunks: Callable[[], Iterator[bytes]], **headers: str) -> list[int]:
    """/feed as a stream without a length; returns what was sent of it, in bytes, as it goes."""
    sent = [0]

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        for chunk in chunks():
            handler.wfile.write(chunk)
            sent[0] += len(chunk)

    site.does("/feed", answer)
    return sent


def test_ten_gigabytes_end_at_the_limit(site: Site, read: Read) -> None:
    chunk = b"x" * 65536
    sent = streams(site, lambda: (chunk for _ in range(10 * 1024**3 // len(chunk))))
    assert "is larger than 10 MB" in str(read().error)
    assert sent[0] < 64 * 1024**2


def test_ten_gigabytes_in_gzip_end_at_the_limit(site: Site, read: Read) -> None:
    def bomb() -> Iterator[bytes]:
        packer = zlib.compressobj(9, wbits=31)
        zeros = bytes(1024 * 1024)
        for _ in range(10 * 1024):
            if packed := packer.compress(zeros):
                yield packed

    sent = streams(site, bomb, Content_Encoding="gzip")
    assert "10 MB" in str(read().error)
    assert sent[0] < 16 * 1024**2


def test_a_gzip_within_a_gzip_is_no_feed(site: Site, read: Read) -> None:
    site.says("/feed", gzip.compress(gzip.compress(bytes(50 * 1024 * 1024))), Content_Encoding="gzip")
    assert "is not a feed" in str(read().error)


LAUGHS = "<!DOCTYPE rss [<!ENTITY a0 'ha'>" + "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 10)) + "]>"


@pytest.mark.parametrize(
    "head",
    [
        LAUGHS,
        "<!DOCTYPE rss [<!ENTITY a9 SYSTEM 'file:///etc/passwd'>]>",
        "<!DOCTYPE rss [<!ENTITY % x SYSTEM 'http://169.254.169.254/'> %x;]>",
        "<!-- a --><!DOCTYPE\nrss\n[<!ENTITY a9 'x'>]>",
    ],
)
def test_entity_declarations_are_refused(site: Site, read: Read, head: str) -> None:
    site.says("/feed", rss(item(1, "&a9;"), head))
    assert str(read().error).endswith("declares a document type of its own (DTD); feeds with entity declarations are refused")


def test_an_external_document_type_is_not_fetched(site: Site, read: Read) -> None:
    site.says("/feed", rss(item(1), f"<!DOCTYPE rss SYSTEM '{site.url}/evil.dtd'>"))
    assert [entry.title for entry in good(read()).entries] == ["Title"]
    assert [path for path, _ in site.requests] == ["/feed"]


@pytest.mark.parametrize(
    "target",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://[::ffff:169.254.169.254]/",
        "http://0xa9fea9fe/",
        "http://2852039166/",
        "http://[fe80::1]/",
        "http://0.0.0.0/",
    ],
)
def test_a_redirect_to_a_link_local_address_is_refused_even_where_private_ones_are_allowed(
    site: Site, read: Read, target: str
) -> None:
    site.says("/feed", b"", status=302, Location=target)
    connected: list[str] = []

    def noting(address: str, port: int, timeout: float) -> httpcore2.NetworkStream:
        connected.append(address)
        assert address == "127.0.0.1"
        return connect(address, port, timeout)

    def resolve(host: str, port: int) -> list[str]:
        return ["169.254.169.254"] if host.startswith(("0x", "28")) else [host]

    result = read(fetch=partial(fetch, connect=noting, resolve=resolve))
    assert "link-local, multicast or reserved" in str(result.error)
    assert set(connected) == {"127.0.0.1"}


@pytest.mark.parametrize(
    "target", ["http://[::1]:{port}/evil", "http://127.0.0.1:{port}/evil", "http://[::ffff:127.0.0.1]:{port}/"]
)
def test_a_public_server_cannot_redirect_to_loopback(site: Site, context: SourceContext, source: Make, target: str) -> None:
    """The public server is the site, behind a connector that pretends."""
    site.says("/feed", b"", status=302, Location=target.format(port=site.port))
    connected: list[str] = []

    def pretend(address: str, port: int, timeout: float) -> httpcore2.NetworkStream:
        connected.append(address)
        return connect("127.0.0.1", site.port, timeout)

    def resolve(host: str, port: int) -> list[str]:
        return ["93.184.215.14"] if host == "blog.example" else [host.strip("[]")]

    visits = Visits(fetch=partial(fetch, connect=pretend, resolve=resolve))
    settings = source(kind="feed", url="http://blog.example/feed")
    (result,) = read_sources([settings], replace(context, visits=visits))
    assert "is private or loopback" in str(result.error)
    assert connected == ["93.184.215.14"]
    assert [path for path, _ in site.requests] == ["/feed"]


def test_a_name_that_changes_between_check_and_connection_changes_nothing(
    site: Site, context: SourceContext, source: Make
) -> None:
    site.says("/feed", rss(item(1)))
    answers = iter([["93.184.215.14"], ["127.0.0.1"], ["169.254.169.254"]])
    connected: list[str] = []

    def pretend(address: str, port: int, timeout: float) -> httpcore2.NetworkStream:
        connected.append(address)
        return connect("127.0.0.1", site.port, timeout)

    visits = Visits(fetch=partial(fetch, connect=pretend, resolve=lambda host, port: next(answers)))
    (result,) = read_sources([source(kind="feed", url="http://blog.example/feed")], replace(context, visits=visits))
    assert len(good(result).entries) == 1
    assert connected == ["93.184.215.14"]


def test_a_byte_at_a_time_ends_with_the_deadline(site: Site, read: Read) -> None:
    def drip() -> Iterator[bytes]:
        for byte in rss(item(1)) * 10:
            yield bytes([byte])
            time.sleep(0.2)

    streams(site, drip)
    assert "did not arrive within 1.5 seconds" in str(read(bounds=QUICK).error)


@pytest.mark.parametrize("charset", ["utf-16", "ascii", "shift_jis", "zip", "no-such-thing", '"', "utf-8; charset=utf-7"])
def test_a_wrong_charset_spoils_no_more_than_letters(site: Site, read: Read, charset: str) -> None:
    site.says("/feed", rss(item(1, "Grüße")), Content_Type=f"application/rss+xml; charset={charset}")
    result = read()
    assert result.error or [entry.url for entry in good(result).entries] in ([], ["https://b.example/1"])
    assert "\n" not in (result.error or "")


@pytest.mark.parametrize("kind", ["text/html", "image/png", "application/octet-stream", "application/json", "\x7f", ""])
def test_a_content_type_that_lies_is_not_believed(site: Site, read: Read, kind: str) -> None:
    site.says("/feed", rss(item(1)), Content_Type=kind)
    assert [entry.title for entry in good(read()).entries] == ["Title"]


def test_a_picture_that_calls_itself_a_feed_is_one_line(site: Site, read: Read) -> None:
    site.says("/feed", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 100, Content_Type="application/rss+xml")
    assert "is not a feed that can be read" in str(read().error)


INVALID: list[tuple[bytes, str]] = [
    (b"Gr\xfc\xdfe", "Gr"),
    (b"\xc0\xafa\xed\xa0\x80", "a"),
    (b"a\x00b", "a"),
    (b"a&#0;b", "a"),
    (b"a\x0bb\x1fc\x7fd", "a"),
    (b"\xef\xbf\xbfa\xef\xbb\xbf", "a"),
]


@pytest.mark.parametrize(("title", "holds"), INVALID)
def test_invalid_utf_8_and_nul_bytes_leave_a_title_without_them(site: Site, read: Read, title: bytes, holds: str) -> None:
    site.says("/feed", rss(item(1, "TITLE") + item(2)).replace(b"TITLE", title))
    result = read()
    if result.error is None:
        for entry in good(result).entries:
            assert not set(entry.title) & {chr(code) for code in (*range(32), *range(0x7F, 0xA0), 0xFEFF, 0xFFFF)}
        assert any(holds in entry.title for entry in good(result).entries)
    else:
        assert "is not a feed that can be read" in result.error


@pytest.mark.parametrize("many", [10_000, pytest.param(100_000, marks=pytest.mark.proof)])
def test_a_hundred_thousand_entries_are_read_or_told_in_one_line(site: Site, read: Read, many: int) -> None:
    site.says("/feed", rss("".join(f"<item><title>t</title><link>https://b.example/{n}</link></item>" for n in range(many))))
    result = read()
    if result.error is None:
        assert len(good(result).entries) == many
    else:
        assert "ask its publisher for a smaller feed" in result.error


def test_a_hundred_thousand_entries_of_json_are_read(site: Site, read: Read) -> None:
    entries = ",".join(f'{{"title":"t","url":"https://b.example/{n}"}}' for n in range(100_000))
    site.says("/feed", f"[{entries}]".encode())
    assert len(good(read(kind="json")).entries) == 100_000


@pytest.mark.parametrize("letter", ["a", "a ", "&lt;", "&lt;b&gt;", "&amp;amp;"])
def test_a_title_of_five_megabytes_is_cut(site: Site, read: Read, letter: str) -> None:
    huge = letter * (5 * 1024 * 1024 // len(letter))
    site.says("/feed", rss(item(1, huge, "<description>x</description>") + item(2)))
    result = read()
    if result.error is None:
        assert all(len(entry.title) <= TITLE_LIMIT and len(entry.summary) <= SUMMARY_LIMIT for entry in good(result).entries)
        assert good(result).entries[-1].url == "https://b.example/2"
    else:
        assert "ask its publisher for a smaller feed" in result.error


@pytest.mark.parametrize(
    "date",
    [
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-12:00",
        "Fri, 31 Dec 9999 23:59:59 -1200",
        "Sat, 01 Jan 0000 00:00:00 GMT",
        "99999999999999999999",
        "-1",
        "Mon, 30 Feb 2026 25:61:61 +9999",
    ],
)
def test_a_date_that_never_was_leaves_only_itself_out(site: Site, read: Read, date: str) -> None:
    site.says("/feed", rss(item(1, more=f"<pubDate>{date}</pubDate>")))
    (entry,) = good(read()).entries
    assert entry.published_at is None or 1970 <= entry.published_at.year <= 9998


UNSEEN = "\u202e\u202d\u2066\u2067\u2069\u200b\u2060\ufeff"


def test_characters_that_turn_or_hide_text_are_taken_out_of_every_field(site: Site, read: Read) -> None:
    more = f"<description>{UNSEEN}s{UNSEEN}</description><category>{UNSEEN}t{UNSEEN}</category><author>{UNSEEN}a</author>"
    site.says("/feed", rss(item(1, f"{UNSEEN}evil{UNSEEN}gpj.exe{UNSEEN}", more) + item(2, UNSEEN)))
    (entry,) = good(read()).entries
    assert (entry.title, entry.summary, entry.tags, entry.author) == ("evilgpj.exe", "s", ("t",), "a")

"""The one way Digest reads an address that somebody else controls. Connects to loopback only."""

from __future__ import annotations

import gzip
import ssl
import threading
import time
import zlib
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler
from typing import Any

import httpcore2
import pytest

from digest.catalogue.connecting import connect
from digest.catalogue.fetching import Bounds, Page, fetch
from digest.errors import Unreachable
from tests.catalogue.site import Site


def get(url: str, **bounds: Any) -> Page:
    return fetch(url, allow_private=True, bounds=Bounds(**bounds))


def test_a_page_is_fetched_and_we_say_who_we_are(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    page = get(site.says("/feed", b"hello", Content_Type="application/rss+xml"))
    assert page == Page(f"{site.url}/feed", b"hello", "application/rss+xml")
    headers = {name.lower(): value for name, value in site.requests[0][1].items()}
    assert headers["user-agent"].startswith("Digest/")
    assert headers["host"] == f"127.0.0.1:{site.port}"
    assert "authorization" not in headers


@pytest.mark.parametrize("status", [204, 304, 400, 401, 403, 404, 410, 429, 500, 503, 299])
def test_every_other_answer_is_one_line(site: Site, status: int) -> None:
    with pytest.raises(Unreachable, match=f"/x: the server answered {status}"):
        get(site.says("/x", b"", status))


def test_messages_leave_out_parameters_that_may_be_secret(site: Site) -> None:
    site.says("/feed?key=s3cret", b"", 403)
    with pytest.raises(Unreachable) as refused:
        get(f"{site.url}/feed?key=s3cret")
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["ftp://backend.example/", "file:///etc/passwd", "gopher://x/", "https://u:p@backend.example/", "feed", "http://"]
)
def test_only_web_addresses_are_fetched(url: str) -> None:
    def resolve(host: str, port: int) -> Sequence[str]:
        raise AssertionError("asked for a name")

    with pytest.raises(Unreachable):
        fetch(url, resolve=resolve)


def test_a_loopback_address_is_refused_unless_configured(site: Site) -> None:
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1 is private or loopback; `allow_private = true` permits it"):
        fetch(site.says("/", b"hello"))
    assert site.requests == []


@pytest.mark.parametrize(
    "addresses",
    [["10.0.0.1"], ["93.184.215.14", "169.254.169.254"], ["::ffff:127.0.0.1"], ["64:ff9b::7f00:1"], ["0.0.0.0"], ["fe80::1%1"]],
)
def test_a_name_that_leads_to_a_refused_address_is_not_connected_to(addresses: list[str]) -> None:
    def connect(address: str, port: int, timeout: float) -> httpcore2.NetworkStream:
        raise AssertionError(f"connected to {address}")

    with pytest.raises(Unreachable, match=r"backend\.example leads to .*, which is"):
        fetch("http://backend.example/feed", resolve=lambda host, port: addresses, connect=connect)


def test_the_checked_address_is_connected_to_whatever_the_name_says_next(site: Site) -> None:
    """Rebinding: the name is asked once, and never by the connection."""
    answers = iter([["93.184.215.14"], ["10.0.0.1"]])
    asked: list[str] = []
    connected: list[str] = []

    def resolve(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return next(answers)

    def pretend(address: str, port: int, timeout: float) -> httpcore2.NetworkStream:
        connected.append(address)
        return connect("127.0.0.1", site.port, timeout)

    site.says("/feed", b"hello")
    assert fetch("http://backend.example/feed", resolve=resolve, connect=pretend).data == b"hello"
    assert (asked, connected) == (["backend.example"], ["93.184.215.14"])
    assert site.requests[0][1]["Host"] == "backend.example"


def test_tls_asks_for_the_name_and_not_for_the_address() -> None:
    names: list[str | None] = []

    class Stream(httpcore2.NetworkStream):
        def start_tls(
            self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
        ) -> httpcore2.NetworkStream:
            assert ssl_context.check_hostname
            assert ssl_context.verify_mode == ssl.CERT_REQUIRED
            names.append(server_hostname)
            raise httpcore2.ConnectError("enough")

        def close(self) -> None:
            """Nothing is open."""

    with pytest.raises(Unreachable, match="enough"):
        fetch("https://backend.example/", resolve=lambda host, port: ["93.184.215.14"], connect=lambda *_: Stream())
    assert names == ["backend.example"]


def test_a_second_address_is_tried_when_the_first_does_not_answer(site: Site) -> None:
    def pretend(address: str, port: int, timeout: float) -> httpcore2.NetworkStream:
        if address == "1.1.1.1":
            raise httpcore2.ConnectError("refused")
        return connect("127.0.0.1", site.port, timeout)

    site.says("/", b"hello")
    assert fetch("http://backend.example/", resolve=lambda *_: ["1.1.1.1", "1.0.0.1"], connect=pretend).data == b"hello"


def test_a_redirect_is_followed_and_its_target_checked_again(site: Site) -> None:
    site.says("/new", b"moved", Content_Type="text/xml")
    site.says("/feed", b"", 301, Location="/new")
    site.says("/evil", b"", 302, Location="http://internal.example/")
    hosts = {"backend.example": ["93.184.215.14"], "internal.example": ["10.1.2.3"]}

    def resolve(host: str, port: int) -> Sequence[str]:
        return hosts[host]

    def pretend(address: str, port: int, timeout: float) -> httpcore2.NetworkStream:
        assert address == "93.184.215.14"
        return connect("127.0.0.1", site.port, timeout)

    page = fetch("http://backend.example/feed", resolve=resolve, connect=pretend)
    assert (page.data, page.url) == (b"moved", "http://backend.example/new")
    with pytest.raises(Unreachable, match=r"internal\.example leads to 10\.1\.2\.3"):
        fetch("http://backend.example/evil", resolve=resolve, connect=pretend)


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "javascript:alert(1)", "http://u:p@127.0.0.1/", "ftp://x/", "http://[::1", ""]
)
def test_a_redirect_to_something_else_is_refused(site: Site, target: str) -> None:
    with pytest.raises(Unreachable, match=r"redirected|without saying where"):
        get(site.says("/", b"", 302, Location=target))


def test_redirects_end(site: Site) -> None:
    for number in range(7):
        site.says(f"/{number}", b"", 307, Location=f"/{number + 1}")
    site.says("/7", b"there")
    assert get(f"{site.url}/2").data == b"there"
    with pytest.raises(Unreachable, match="redirected more than 5 times"):
        get(f"{site.url}/1")


@pytest.mark.parametrize("coded", [gzip.compress(b"a" * 5000), gzip.compress(b"a" * 2000) + gzip.compress(b"a" * 3000)])
def test_gzip_is_unpacked(site: Site, coded: bytes) -> None:
    assert get(site.says("/", coded, Content_Encoding="gzip")).data == b"a" * 5000


@pytest.mark.parametrize("bits", [15, -15])
def test_both_kinds_of_deflate_are_unpacked(site: Site, bits: int) -> None:
    packer = zlib.compressobj(wbits=bits)
    coded = packer.compress(b"a" * 500_000) + packer.flush()
    assert get(site.says("/", coded, Content_Encoding="deflate")).data == b"a" * 500_000


@pytest.mark.parametrize(
    ("coded", "encoding", "said"),
    [
        (gzip.compress(b"a" * 5000)[:-20], "gzip", "in the middle"),
        (b"no gzip", "gzip", "incorrect header"),
        (b"x", "br", "'br', which was not asked for"),
        (gzip.compress(gzip.compress(b"x")), "gzip, gzip", "not asked for"),
    ],
)
def test_what_cannot_be_unpacked_is_one_line(site: Site, coded: bytes, encoding: str, said: str) -> None:
    with pytest.raises(Unreachable, match=said):
        get(site.says("/", coded, Content_Encoding=encoding))


def test_a_compressed_bomb_is_refused_as_it_unpacks(site: Site) -> None:
    bomb = gzip.compress(b"\0" * 200_000_000, 9)
    started = time.monotonic()
    with pytest.raises(Unreachable, match="larger than 10 MB"):
        get(site.says("/", bomb, Content_Encoding="gzip"))
    assert time.monotonic() - started < 5


def test_a_page_that_says_it_is_too_large_is_not_read(site: Site) -> None:
    with pytest.raises(Unreachable, match="larger than 10 MB"):
        get(site.says("/", b"", Content_Length="99999999999"))


def test_a_page_that_is_too_large_without_saying_so_is_not_read_to_the_end(site: Site) -> None:
    sent = []

    def flood(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        for _ in range(1000):
            handler.wfile.write(b"x" * 100_000)
            sent.append(1)

    with pytest.raises(Unreachable, match="larger than 1 MB"):
        get(site.does("/", flood), size=1024 * 1024)
    assert len(sent) < 1000


@pytest.mark.parametrize("where", ["headers", "body"])
def test_a_server_that_drips_ends_with_the_deadline(site: Site, where: str) -> None:
    def drip(handler: BaseHTTPRequestHandler) -> None:
        if where == "body":
            handler.send_response(200)
            handler.end_headers()
        for _ in range(100):
            handler.wfile.write(b"H")
            time.sleep(0.05)

    started = time.monotonic()
    with pytest.raises(Unreachable, match=r"did not arrive within 0\.5 seconds"):
        get(site.does("/", drip), total_seconds=0.5)
    assert time.monotonic() - started < 2


def test_a_server_that_says_nothing_times_out(site: Site) -> None:
    with pytest.raises(Unreachable, match="did not answer in time"):
        get(site.does("/", lambda handler: time.sleep(0.6)), read_seconds=0.2)


def test_a_name_server_that_says_nothing_times_out() -> None:
    done = threading.Event()

    def resolve(host: str, port: int) -> Sequence[str]:
        done.wait(5)
        return []

    with pytest.raises(Unreachable, match="did not answer in time"):
        fetch("http://backend.example/", resolve=resolve, bounds=Bounds(connect_seconds=0.2))
    done.set()


def test_an_unknown_name_and_a_closed_port_are_one_line() -> None:
    def resolve(host: str, port: int) -> Sequence[str]:
        raise OSError("Name or service not known")

    with pytest.raises(
        Unreachable, match=r"http://nowhere\.example/: cannot be read \(the name nowhere\.example cannot be resolved\)"
    ):
        fetch("http://nowhere.example/", resolve=resolve)
    with pytest.raises(Unreachable, match="cannot be read"):
        get("http://127.0.0.1:1/")


@pytest.mark.parametrize("garbage", [b"garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx", b""])
def test_garbage_and_half_answers_are_one_line(site: Site, garbage: bytes) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(garbage)
        handler.close_connection = True

    with pytest.raises(Unreachable) as refused:
        get(site.does("/", answer))
    assert "\n" not in str(refused.value)

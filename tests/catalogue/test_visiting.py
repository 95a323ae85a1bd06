"""How sources ask for their pages: only what is new, politely, and remembering what servers said. Loopback only."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from sqlalchemy import Connection

from digest.catalogue.reading_sources import SourceResult, read_sources
from digest.catalogue.recalling import recall
from digest.catalogue.sources.port import SourceContext
from digest.catalogue.storing import store_failure, store_reading
from digest.catalogue.visiting import Visits, pause_ends, user_agent
from digest.settings import SourceSettings
from tests.catalogue.conftest import NOW
from tests.catalogue.site import Site

Make = Callable[..., SourceSettings]
Fetch = Callable[..., SourceResult]
ARTICLES = json.dumps([{"title": "One", "url": "https://backend.example/1"}]).encode()
DATE = "Fri, 20 Nov 2026 08:00:00 GMT"


@pytest.fixture
def fetch(connection: Connection, context: SourceContext) -> Fetch:
    """Fetches one source as a run does, with what the store remembers."""

    def fetch(settings: SourceSettings, now: datetime = NOW) -> SourceResult:
        memories, paused = recall(connection, [settings])
        visits = Visits(now=now, memories=memories, paused=paused, user_agent=user_agent("https://news.example"))
        (result,) = read_sources([settings], replace(context, visits=visits))
        if result.reading is None:
            store_failure(connection, settings, result.error or "", now, result.paused_until)
        else:
            store_reading(connection, settings, result.reading, now)
        return result

    return fetch


def dated(site: Site, path: str, **headers: str) -> str:
    """A page that answers 304 to whoever has seen it."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        seen = handler.headers.get("If-None-Match") or handler.headers.get("If-Modified-Since")
        handler.send_response(304 if seen in headers.values() else 200)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        if seen not in headers.values():
            handler.wfile.write(ARTICLES)

    return site.does(path, answer)


def settings_for(source: Make, url: str, **values: Any) -> SourceSettings:
    return source(url=url, allow_private=True, **values)


@pytest.mark.parametrize("headers", [{"ETag": '"abc"'}, {"Last_Modified": DATE}])
def test_what_was_seen_is_not_sent_again(site: Site, source: Make, fetch: Fetch, headers: dict[str, str]) -> None:
    settings = settings_for(source, dated(site, "/a", **headers))
    first, second, third = fetch(settings), fetch(settings), fetch(settings)
    assert first.reading is not None
    assert (len(first.reading.entries), first.reading.unchanged) == (1, False)
    for later in (second, third):
        assert later.reading is not None
        assert (later.reading.entries, later.reading.unchanged, later.reading.faults) == ((), True, ())


def test_other_settings_read_the_whole_again(site: Site, source: Make, fetch: Fetch) -> None:
    url = dated(site, "/a", ETag='"abc"')
    fetch(settings_for(source, url))
    again = fetch(settings_for(source, url, tags=["new"])).reading
    assert again is not None
    assert again.entries[0].tags == ("new",)


def test_a_validator_that_cannot_be_a_header_is_not_kept(site: Site, source: Make, fetch: Fetch) -> None:
    settings = settings_for(source, site.says("/a", ARTICLES, ETag='"' + "x" * 600 + '"'))
    fetch(settings)
    fetch(settings)
    assert all("If-None-Match" not in headers for _, headers in site.requests)


def test_we_say_who_we_are_and_whom_to_ask(site: Site, source: Make, fetch: Fetch) -> None:
    fetch(settings_for(source, site.says("/a", ARTICLES)))
    assert site.requests[0][1]["user-agent"].endswith("(newsletter digest builder; reads feeds; +https://news.example)")


@pytest.mark.parametrize("status", [301, 308])
def test_an_address_that_moved_for_good_is_remembered_and_told_once(site: Site, source: Make, fetch: Fetch, status: int) -> None:
    site.says("/new", ARTICLES)
    settings = settings_for(source, site.says("/old", b"", status, Location="/new"))
    first, second = fetch(settings), fetch(settings)
    assert [path for path, _ in site.requests] == ["/old", "/new", "/new"]
    assert first.reading is not None
    assert second.reading is not None
    (fault,) = first.reading.faults
    assert str(fault) == (
        f"address: has moved for good to {site.url}/new, which is asked from now on; make it the `url` of source 'blog'"
    )
    assert not fault.error
    assert second.reading.faults == ()


def test_an_address_that_moved_for_a_while_is_not_remembered(site: Site, source: Make, fetch: Fetch) -> None:
    site.says("/new", ARTICLES)
    site.says("/newer", b"", 302, Location="/new")
    settings = settings_for(source, site.says("/old", b"", 301, Location="/newer"))
    fetch(settings)
    fetch(settings)
    assert [path for path, _ in site.requests] == ["/old", "/newer", "/new", "/newer", "/new"], "what was permanent is kept"


def test_a_new_place_that_fails_is_forgotten(site: Site, source: Make, fetch: Fetch) -> None:
    site.says("/new", ARTICLES)
    settings = settings_for(source, site.says("/old", b"", 301, Location="/new"))
    fetch(settings)
    site.says("/new", b"", 404)
    site.says("/old", ARTICLES)
    assert fetch(settings).error is not None
    assert fetch(settings).error is None
    assert site.requests[-1][0] == "/old"


@pytest.mark.parametrize("status", [429, 503])
def test_a_pause_that_the_server_asked_for_is_kept_across_runs(site: Site, source: Make, fetch: Fetch, status: int) -> None:
    settings = settings_for(source, site.says("/a", b"", status, Retry_After="3600"))
    assert f"answered {status}" in (fetch(settings).error or "")
    site.says("/a", ARTICLES)
    early = fetch(settings, NOW + timedelta(minutes=59))
    assert early.error == "its server asked not to be visited before 2026-11-22 13:00 UTC"
    assert len(site.requests) == 1
    assert fetch(settings, NOW + timedelta(minutes=60)).error is None
    assert fetch(settings, NOW).error is None, "a fetch that went well forgets the pause"


def test_a_pause_asked_for_in_the_midst_of_many_pages_is_kept_across_runs(site: Site, source: Make, fetch: Fetch) -> None:
    rows = "".join(f"<url><loc>{site.url}/{name}</loc><lastmod>{name}</lastmod></url>" for name in (3, 2, 1))
    site.says("/map", f"<urlset>{rows}</urlset>".encode())
    article = b"<meta property=og:type content=article><meta property=og:title content=One>"
    site.says("/3", article)
    site.says("/2", b"", 503, Retry_After="3600")
    settings = settings_for(source, f"{site.url}/map", kind="sitemap")
    first = fetch(settings)
    assert first.reading is not None
    assert len(first.reading.entries) == 1
    asked = len(site.requests)
    early = fetch(settings, NOW + timedelta(minutes=59))
    assert early.error == "its server asked not to be visited before 2026-11-22 13:00 UTC"
    assert len(site.requests) == asked
    for name in ("1", "2"):
        site.says(f"/{name}", article)
    later = fetch(settings, NOW + timedelta(minutes=60))
    assert later.reading is not None
    assert [entry.key[-1] for entry in later.reading.entries] == ["2", "1"]


def test_a_busy_answer_without_a_time_is_asked_again_in_the_next_run(site: Site, source: Make, fetch: Fetch) -> None:
    settings = settings_for(source, site.says("/a", b"", 503, Retry_After="soon"))
    assert "answered 503" in (fetch(settings).error or "")
    site.says("/a", ARTICLES)
    assert fetch(settings).error is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        (" 0 ", 0),
        ("99999999999999999999", 86400),
        ("Sun, 22 Nov 2026 12:10:00 GMT", 600),
        ("Sun, 22 Nov 2026 11:10:00 GMT", 0),
        ("Sun, 22 Nov 9999 12:10:00 GMT", 86400),
        ("-5", None),
        ("soon", None),
        ("Sun, 99 Nov 2026", None),
        ("1.5", None),
        ("²", None),
    ],
)
def test_a_pause_is_seconds_or_a_date_and_at_most_a_day(header: str, seconds: int | None) -> None:
    expected = None if seconds is None else datetime(2026, 11, 22, 12, tzinfo=UTC) + timedelta(seconds=seconds)
    assert pause_ends(header, NOW) == expected

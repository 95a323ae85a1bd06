"""What holds for every request and every answer."""

from __future__ import annotations

import re

import pytest
from starlette.testclient import TestClient

from digest.errors import Unreachable
from digest.store.database import Store
from digest.web.guarding import Guard
from digest.web.showing import accepted
from tests.journeys.project import Project
from tests.web.conftest import Pages, pages_of


@pytest.mark.parametrize("host", ["10.0.0.1:8000", "172.17.0.3", "digest", "", "news.backend.example"])
@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_who_watches_over_a_container_may_ask_by_any_name_how_it_is(pages: Pages, path: str, host: str) -> None:
    assert pages.client.get(path, headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    ("host", "served"),
    [
        ("news.backend.example", True),
        ("NEWS.backend.example.:443", True),
        ("localhost:8000", True),
        ("127.0.0.1", True),
        ("127.9.9.9:1", True),
        ("[::1]:8000", True),
        ("backend.example", False),
        ("evil.example", False),
        ("news.backend.example.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("10.0.0.1", False),
        ("", False),
        ("[", False),
    ],
)
def test_only_the_public_host_and_loopback_names_are_answered(pages: Pages, host: str, served: bool) -> None:
    assert pages.client.get("/subscribe", headers={"Host": host}).status_code == (200 if served else 421)


@pytest.mark.parametrize("path", ["/healthz", "/unsubscribe/x", "/nothing", "/static/nothing.css"])
def test_every_answer_carries_the_headers_that_browsers_keep_to(pages: Pages, path: str) -> None:
    headers = pages.client.get(path).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert headers["strict-transport-security"].startswith("max-age=")
    assert "server" not in headers
    assert "set-cookie" not in headers


def test_a_page_has_no_script_or_style_within_and_its_files_are_kept_for_ever(pages: Pages) -> None:
    html = pages.client.get(f"/unsubscribe/{pages.token('ann@x.example')}").text
    assert not re.search(r"<style|style=|<script(?![^>]*src=)|\son\w+=|javascript:", html)
    (style,) = re.findall(r'<link rel="stylesheet" href="([^"]+)">', html)
    answer = pages.client.get(style)
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert "immutable" in answer.headers["cache-control"]
    assert re.fullmatch(r"/static/pages-[0-9a-f]{12}\.css", style)


def test_the_style_sheet_has_another_name_when_the_sites_colour_changes(project: Project) -> None:
    names = []
    for colour in ("#0b6e6e", "#aa2222"):
        with pages_of(project, DIGEST_SITE__COLOUR=colour) as pages:
            names += re.findall(r"/static/pages-\w+\.css", pages.client.get("/unsubscribe/x").text)
    assert len(set(names)) == 2


def test_pages_below_a_path_are_answered_with_and_without_it_and_link_to_it(project: Project) -> None:
    with pages_of(project, DIGEST_SITE__PUBLIC_URL="http://news.backend.example/news") as pages:
        token = pages.token("bob@x.example")
        for path in (f"/unsubscribe/{token}", f"/news/unsubscribe/{token}"):
            answer = pages.client.get(path)
            assert f'action="/news/unsubscribe/{token}"' in answer.text
            assert "strict-transport-security" not in answer.headers
        assert pages.client.get("/newsunsubscribe/x").status_code == 404


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("/archive", "Archive"),
        ("/archive/archive", "Archive"),  # the proxy left it
        ("/archive/weekly", "Backend Weekly"),
        ("/archive/archive/weekly", "Backend Weekly"),
        ("/subscribe", "Backend Weekly"),
        ("/archive/subscribe", "Backend Weekly"),
    ],
)
def test_a_path_that_is_called_like_a_page_of_ours_is_taken_off_where_a_page_follows(
    project: Project, path: str, title: str
) -> None:
    with pages_of(project, DIGEST_SITE__PUBLIC_URL="https://news.backend.example/archive") as pages:
        answer = pages.client.get(path)
        assert f"<h1>{title}</h1>" in answer.text
        assert 'href="/archive/static/' in answer.text


def test_the_logo_may_be_shown_from_where_it_is_and_nothing_else(project: Project) -> None:
    with pages_of(project, DIGEST_SITE__LOGO="https://pictures.example/logo.png?a=1") as pages:
        answer = pages.client.get("/unsubscribe/x")
    assert "img-src 'self' https://pictures.example;" in answer.headers["content-security-policy"]
    assert 'src="https://pictures.example/logo.png?a=1"' in answer.text


def test_a_fault_of_ours_is_a_page_without_its_words(pages: Pages) -> None:
    client = TestClient(pages.client.app, base_url="http://localhost", raise_server_exceptions=False)
    pages.times.clear()  # the clock has no time to tell, which is a fault
    answer = client.get("/unsubscribe/x")
    assert answer.status_code == 500
    assert "Something is wrong on our side" in answer.text
    assert "IndexError" not in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert "script-src 'self'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("path", ["/", "/unsubscribe", "/unsubscribe/a/b/c", "/healthz/x"])
def test_what_is_not_there_is_a_page_that_says_so(pages: Pages, path: str) -> None:
    answer = pages.client.get(path)
    assert answer.status_code == 404
    assert "There is no such page" in answer.text
    refused = pages.client.put("/unsubscribe/x")
    assert (refused.status_code, refused.headers["allow"]) in {(405, "GET, HEAD"), (405, "HEAD, GET")}


def test_browsers_languages_are_read_by_their_weight_and_nonsense_is_passed_over() -> None:
    assert accepted("en;q=0.5, de-CH, fr;q=0.9, xx;q=0, ;;, *, q=1, " + "a" * 90) == ["de-CH", "fr", "en"]
    assert accepted("") == []
    assert len(accepted(",".join(["de"] * 10_000))) <= 20


def test_the_guard_takes_nobody_without_a_host() -> None:
    guard = Guard(lambda *_: None, public_url="https://news.example/x", headers={}, pages=())  # type: ignore[arg-type]  # never called
    assert not guard.answers_to("")
    assert guard.answers_to("news.example")


def test_a_database_out_of_reach_is_a_page_that_says_when_to_come_again(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> None:
        raise Unreachable("the database is locked")

    monkeypatch.setattr(Store, "reading", gone)
    answer = pages.client.get(f"/unsubscribe/{'a' * 32}")
    assert answer.status_code == 200  # it is nobody's, and nobody has to be asked
    answer = pages.client.get("/subscribe")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "Something is wrong on our side" in answer.text
    assert "locked" not in answer.text

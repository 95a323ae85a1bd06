"""Who may ask what of the API: route × scope × state of the token × spelling, row by row. A route without a row fails."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from fastapi.routing import APIRoute

from digest.app import granting
from digest.editors.scopes import Scope
from digest.web.api.entrance import all_ways
from tests.journeys.project import MONDAY
from tests.web.api.conftest import token_for
from tests.web.conftest import HOST, Pages
from tests.web.desk.conftest import ADA
from tests.web.desk.examples import signed_in

pytestmark = pytest.mark.sqlite  # what is asked of the database is the same on both

ANYBODY = None
ROWS = {
    # method, path below /api/v1: the scope that a token must have
    ("GET", "/challenge"): ANYBODY,
    ("POST", "/subscriptions"): ANYBODY,
    ("GET", "/newsletters"): "issues:read",
    ("GET", "/issues"): "issues:read",
    ("GET", "/issues/{newsletter}/{number}"): "issues:read",
    ("GET", "/issues/{newsletter}/{number}/stats"): "stats:read",
    ("GET", "/articles"): "articles:read",
    ("POST", "/articles/feature"): "articles:write",
    ("POST", "/articles/withdraw"): "articles:write",
    ("POST", "/subscribers"): "subscribers:write",
    ("POST", "/subscribers/show"): "subscribers:read",
}
ELSEWHERE = ("/api/V1{}", "/API/v1{}", "/api//v1{}", "/%2e/api/v1{}", "/x/%2e%2e/api/v1{}", "/api/v1/%2e{}", "/%61%70i/v2{}")


def test_every_route_of_the_api_has_its_row(pages: Pages) -> None:
    application: Any = pages.client.app
    there = [one for one in application.routes if isinstance(one, APIRoute)]
    other = {one.path for one in application.routes if one.path.startswith("/api")} - {one.path for one in there}
    assert other == {"/api/v1/openapi.json"}  # which is for everybody, and says nothing of this project
    assert {(method, one.path.removeprefix("/api/v1")) for one in there for method in one.methods or ()} == set(ROWS)
    assert {(way.method, way.path): way.needs and way.needs.value for way in all_ways()} == ROWS
    assert set(Scope) == {needs for needs in ROWS.values() if needs}, "a scope that opens nothing"


def outcome(answer: httpx2.Response) -> str:
    """What came of it; every refusal has the one shape."""
    if answer.status_code in (401, 403):
        assert answer.json().keys() == {"status", "title", "detail", "errors"}
        assert answer.headers["www-authenticate"].startswith("Bearer ")
    return {401: "who?", 403: "not you", 404: "nowhere", 405: "not so"}.get(answer.status_code, "in")


def asked(pages: Pages, method: str, path: str, authorization: str | None, way: str = "/api/v1{}") -> str:
    """What comes of a request."""
    written = way.format(path.replace("{newsletter}", "weekly").replace("{number}", "1"))
    headers = {} if authorization is None else {"Authorization": authorization}
    sent = {"article": "a", "email": "eve@new.example"} if method == "POST" else None
    return outcome(pages.client.request(method, HOST + written, headers=headers, json=sent))


def test_each_row_holds_whatever_is_shown(pages: Pages) -> None:
    wrong: list[object] = []
    app = pages.app_now()
    for (method, path), needs in ROWS.items():
        if needs is ANYBODY:
            wrong += [] if asked(pages, method, path, None) == "in" else [(method, path, "nothing")]
            continue
        good = token_for(pages, needs)
        revoked = granting.grant(app, "revoked", [needs], 9, actor="test")
        granting.revoke(app, revoked.token.id, actor="test")
        deposed = token_for(pages, needs, owner="somebody@else.example")
        shown = {
            "nothing": (None, "who?"),
            "another token": (f"Bearer digest_{'A' * 43}", "who?"),
            "no token of ours": ("Bearer x", "who?"),
            "one without its kind": (good, "who?"),
            "another kind": (f"Basic {good}", "who?"),
            "cut off": (f"Bearer {good[:-1]}", "who?"),
            "one letter more": (f"Bearer {good}A", "who?"),
            "in capitals": (f"Bearer {good.upper()}", "who?"),
            "revoked": (f"Bearer {revoked.secret}", "who?"),
            "of who is no admin": (f"Bearer {deposed}", "who?"),
            "every other scope": (f"Bearer {token_for(pages, *(set(Scope) - {Scope(needs)}))}", "not you"),
            "its scope alone": (f"Bearer {good}", "in"),
            "the kind in small letters": (f"bearer {good}", "in"),
            "of an admin": (f"Bearer {token_for(pages, needs, owner=ADA)}", "in"),
        }
        for what, (authorization, expected) in shown.items():
            found = asked(pages, method, path, authorization)
            wrong += [] if found == expected else [(method, path, what, found)]
    assert wrong == []


def test_no_spelling_leads_past_the_guard(pages: Pages) -> None:
    wrong: list[object] = []
    all_of_them = f"Bearer {token_for(pages)}"
    for (method, path), needs in ROWS.items():
        plainly = "in" if needs is ANYBODY else "who?"
        for way in ("/api/v1{}/", "/api/v1{}//", "/api/v1{}?token=digest_x&access_token=x", "/api%2fv1{}", "/%61pi/v1{}"):
            found = [asked(pages, method, path, shown, way) for shown in (None, all_of_them)]
            wrong += [] if found == [plainly, "in"] else [(method, path, way, found)]
        for way in ELSEWHERE:
            found = [asked(pages, method, path, shown, way) for shown in (None, all_of_them)]
            wrong += [] if found == ["nowhere"] * 2 else [(method, path, way, found)]
        for verb in {"HEAD", "GET", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"} - {one for one, where in ROWS if where == path}:
            answer = pages.client.request(verb, HOST + "/api/v1" + re.sub(r"{\w+}", "1", path))
            wrong += [] if answer.status_code in (405, 404) else [(verb, path, answer.status_code)]
    assert wrong == []


def test_a_token_opens_nothing_with_its_very_next_request_when_it_is_over(pages: Pages) -> None:
    app, end = pages.app_now(), MONDAY + timedelta(days=1)
    for (method, path), needs in ROWS.items():
        if needs is ANYBODY:
            continue
        pages.times.append(MONDAY)
        one, other = granting.grant(app, "one", [needs], 1, actor="test"), granting.grant(app, "other", [needs], 2, actor="test")
        first, second = f"Bearer {one.secret}", f"Bearer {other.secret}"
        assert [asked(pages, method, path, shown) for shown in (first, second)] == ["in", "in"]
        granting.revoke(app, other.token.id, actor="test")
        assert [asked(pages, method, path, shown) for shown in (first, second)] == ["in", "who?"]
        pages.times.append(end - timedelta(seconds=1))
        assert asked(pages, method, path, first) == "in"
        pages.times.append(end)
        assert asked(pages, method, path, first) == "who?"


def test_a_browser_that_is_signed_in_opens_nothing_of_the_api(pages: Pages) -> None:
    """So no other site can have it ask for an editor."""
    browser = signed_in(pages, ADA)
    for (method, path), needs in ROWS.items():
        if needs is not ANYBODY:
            written = path.replace("{newsletter}", "weekly").replace("{number}", "1")
            assert browser.client.request(method, f"/api/v1{written}").status_code == 401


def test_a_token_opens_nothing_of_the_desk(pages: Pages) -> None:
    answer = pages.client.get("/editor", headers={"Authorization": f"Bearer {token_for(pages)}"})
    assert answer.headers["location"] == "/editor/sign-in"

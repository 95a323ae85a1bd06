"""Who may do what at the desk: route × role × spelling, row by row. A route without a row fails.

Behind each door stands a stub that says one is in, so a new door needs its row and nothing else; every guard before it is the real one.
That a door then does what it is for is shown where it is tested.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

import pytest
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from digest.editors import sessions
from digest.web.application import make_application
from digest.web.desk import entrance
from digest.web.desk.cookies import SECURE
from digest.web.desk.doors import Visit
from tests.web.conftest import Pages
from tests.web.desk.conftest import ADA, EDDY, OURS, VERA, Browser
from tests.web.desk.examples import EXAMPLES, signed_in
from tests.web.raw import Answered, Asked, answers

pytestmark = pytest.mark.sqlite  # what is asked of the database is the same on both

WHO = {"nobody": None, "viewer": VERA, "editor": EDDY, "admin": ADA}
ROLES = list(WHO)
ROWS = {
    # method, path: from which role on
    ("GET", "/editor"): "viewer",
    ("GET", "/editor/sign-in"): "nobody",
    ("POST", "/editor/sign-in"): "nobody",
    ("GET", "/editor/sign-in/{token}"): "nobody",
    ("POST", "/editor/sign-in/{token}"): "nobody",
    ("POST", "/editor/sign-out"): "viewer",
    ("GET", "/editor/openid"): "nobody",
    ("GET", "/editor/openid/back"): "nobody",
    ("POST", "/editor/openid/back"): "nobody",
    ("GET", "/editor/sessions"): "viewer",
    ("POST", "/editor/sessions/{number}"): "viewer",
    ("GET", "/editor/audit"): "admin",
    ("GET", "/editor/tokens"): "admin",
    ("POST", "/editor/tokens"): "admin",
    ("POST", "/editor/tokens/{number}"): "admin",
    ("GET", "/editor/issues/{newsletter}/{number}"): "viewer",
    ("GET", "/editor/issues/{newsletter}/{number}/preview"): "viewer",
    ("GET", "/editor/issues/{newsletter}/{number}/audience"): "viewer",
    ("POST", "/editor/issues/{newsletter}/{number}/change"): "editor",
    ("POST", "/editor/issues/{newsletter}/{number}/decide"): "editor",
    ("POST", "/editor/issues/{newsletter}/{number}/test"): "editor",
    ("POST", "/editor/issues/{newsletter}/{number}/reader"): "editor",
    ("GET", "/editor/issues/{newsletter}/{number}/news"): "viewer",
    ("POST", "/editor/issues/{newsletter}/{number}/send"): "editor",
    ("GET", "/editor/issues/{newsletter}/{number}/progress"): "viewer",
    ("GET", "/editor/issues/{newsletter}/{number}/correct"): "editor",
    ("POST", "/editor/issues/{newsletter}/{number}/correct"): "editor",
    ("POST", "/editor/newsletters/{newsletter}/draft"): "editor",
    ("GET", "/editor/newsletters/{newsletter}/special"): "editor",
    ("POST", "/editor/newsletters/{newsletter}/special"): "editor",
    ("GET", "/editor/articles"): "viewer",
    ("GET", "/editor/articles/{number}"): "viewer",
    ("POST", "/editor/articles/{number}/feature"): "editor",
    ("POST", "/editor/articles/{number}/withdraw"): "editor",
    ("GET", "/editor/sources"): "viewer",
    ("GET", "/editor/settings"): "viewer",
    # These name people.
    ("GET", "/editor/subscribers"): "editor",
    ("GET", "/editor/subscribers/{number}"): "editor",
    ("GET", "/editor/suppressions"): "editor",
    ("POST", "/editor/suppressions/lift"): "editor",
    ("GET", "/editor/deliveries"): "editor",
    ("POST", "/editor/deliveries/resolve"): "editor",
    # This costs some seconds of work.
    ("GET", "/editor/simulate"): "editor",
}
SPELLINGS = (
    *("plain", "slash", "slashes", "query", "case", "all in capitals", "%2e before", "%2e after", "%2e%2e", "%252e%252e"),
    *("%2f", "%2f in it", "double", "backslash", "semicolon", "%00", "%c0%ae", "%2561"),
)
OTHER_METHODS = ("HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
# Everything that is not at the desk, and not of the API, which has a matrix of its own: for everybody who comes by.
FOR_EVERYBODY = (
    "/static/",
    "/subscribe",
    "/confirm/",
    "/unsubscribe/",
    "/preferences/",
    "/move/",
    "/stay/",
    "/erase/",
    "/download/",
    "/archive",
    "/sitemap.xml",
    "/webhooks/",
    "/healthz",
    "/readyz",
    "/metrics",
)


def test_every_route_of_the_desk_has_its_row(pages: Pages) -> None:
    application: Any = pages.client.app
    there = [one for one in application.routes if getattr(one, "path", "").casefold().startswith("/editor")]
    assert all(isinstance(one, Route) for one in there)
    assert {(method, one.path) for one in there for method in one.methods - {"HEAD"}} == set(ROWS)
    assert {(door.method, door.path): (door.needs or "nobody") for door in entrance.doors()} == ROWS


def test_every_door_that_is_opened_has_an_example(pages: Pages) -> None:
    assert {door.path for door in entrance.doors() if door.method == "GET"} == set(EXAMPLES)


def test_no_other_route_is_behind_a_sign_in_or_unknown(pages: Pages) -> None:
    application: Any = pages.client.app
    routes: list[BaseRoute] = application.routes
    paths = {getattr(one, "path", repr(one)) for one in routes}
    assert sorted(path for path in paths if not path.startswith(("/editor", "/api/v1/", *FOR_EVERYBODY))) == []


@pytest.fixture
def stubbed(pages: Pages, monkeypatch: pytest.MonkeyPatch) -> ASGIApp:
    """The whole application, with stubs behind its doors."""

    def stub(visit: Visit) -> Response:
        return PlainTextResponse("You are in.")

    doors = [replace(door, answer=stub) for door in entrance.doors()]
    monkeypatch.setattr(entrance, "doors", lambda: doors)
    return make_application(pages.app.settings, pages.app.store, lambda: pages.times[-1])


def test_each_row_holds_for_every_role_in_every_spelling(pages: Pages, stubbed: ASGIApp) -> None:
    asked = [
        (role, at)
        for role, email in WHO.items()
        for browser in [signed_in(pages, email)]
        for method, path in ROWS
        for at in requests(browser, method, path)
    ]
    found = answers(stubbed, [at for _, at in asked])
    wrong = [
        (role, at.method, at.target, outcome(one))
        for (role, at), one in zip(asked, found, strict=True)
        if not held(role, at, one)
    ]
    assert wrong == []


def requests(browser: Browser, method: str, path: str) -> list[Asked]:
    """A row as somebody may write it, and what else may be tried on its path."""
    written, cookie = re.sub(r"{\w+(:\w+)?}", "1", path), browser.client.cookies.get(SECURE)
    headers = (*((name.lower(), value) for name, value in OURS.items()), *((("cookie", f"{SECURE}={cookie}"),) if cookie else ()))
    tried = [(method, spell(written, spelling)) for spelling in SPELLINGS] + [(verb, written) for verb in OTHER_METHODS]
    return [Asked(verb, target, headers, (("token", browser.token),) if verb == "POST" else ()) for verb, target in tried]


def held(role: str, asked: Asked, answered: Answered) -> bool:
    """Whether a row held. Whatever the spelling, what counts is the row of the door that it leads to."""
    found, least = outcome(answered), row_of("GET" if asked.method == "HEAD" else asked.method, asked.target)
    if least is None:
        return found in ("nowhere", "not so")
    return found == plainly(role, least)


def row_of(method: str, address: str) -> str | None:
    """The row of what a path means: spelled out, without slashes at its end, each letter as it is."""
    parts = unquote(address.partition("?")[0]).rstrip("/").split("/")
    for (verb, path), least in ROWS.items():
        wanted = path.split("/")
        alike = len(wanted) == len(parts) and all(
            bool(there) if here.startswith("{") else here == there for here, there in zip(wanted, parts, strict=True)
        )
        if verb == method and alike:
            return least
    return None


def plainly(role: str, least: str) -> str:
    """What a row says of a role."""
    return "in" if ROLES.index(role) >= ROLES.index(least) else "out" if role == "nobody" else "no"


def outcome(answer: Answered) -> str:
    """What a door has said: in; sign in first; not with your role; there is nothing; not this way."""
    if answer.status == 303 and answer.headers["location"] == "/editor/sign-in":
        return "out"
    if answer.status == 403:
        return "out" if "You are not signed in" in answer.text else "no" if "Not with your role" in answer.text else "refused"
    return {404: "nowhere", 405: "not so"}.get(answer.status, "in")


def spell(path: str, spelling: str) -> str:
    """A path in another spelling."""
    return {
        "slash": f"{path}/",
        "slashes": f"{path}//",
        "query": f"{path}?role=admin",
        "case": path.replace("/editor", "/Editor"),
        "all in capitals": path.upper(),
        "%2e before": f"/%2e{path}",
        "%2e after": f"{path}/%2e",
        "%2e%2e": f"/x/%2e%2e{path}",
        "%252e%252e": f"/x/%252e%252e{path}",
        "%2f": path.replace("/editor", "/editor%2f.."),
        "%2f in it": path.replace("/editor/", "/editor%2f"),
        "%2561": path.replace("/editor", "/%2565ditor"),
        "double": path.replace("/editor", "//editor"),
        "backslash": f"{path}%5c",
        "semicolon": f"{path};x=1",
        "%00": f"{path}%00",
        "%c0%ae": f"{path}%c0%ae",
    }.get(spelling, path)


def test_a_session_that_is_revoked_opens_no_door_with_its_very_next_request(pages: Pages, stubbed: ASGIApp) -> None:
    admin, before, after = signed_in(pages, ADA), [], []
    for (method, path), least in ROWS.items():
        if least == "nobody":
            continue
        browser = signed_in(pages, ADA)
        (plain, *_) = requests(browser, method, path)
        before += answers(stubbed, [plain])
        assert admin.post(f"/editor/sessions/{_number(pages, browser)}").status_code == 303
        after += answers(stubbed, [plain])
    assert {outcome(one) for one in before} == {"in"}
    assert {outcome(one) for one in after} == {"out"}


def _number(pages: Pages, browser: Browser) -> int:
    with pages.app.store.reading() as connection:
        found = sessions.find(connection, browser.client.cookies[SECURE], now=pages.times[-1])
    assert found is not None
    return found.id

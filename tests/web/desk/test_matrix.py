"""Who may do what at the desk: route × role × spelling, row by row. A route without a row fails."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest
from sqlalchemy import select
from starlette.routing import Route

from digest.app import signing_in
from digest.editors import sessions
from digest.store import tables
from digest.web.desk.cookies import SECURE
from digest.web.desk.entrance import doors
from tests.journeys.project import MONDAY, Project, article
from tests.web.conftest import HOST, Pages
from tests.web.desk.conftest import ADA, EDDY, OURS, VERA, Browser, link_for, newcomer

pytestmark = pytest.mark.sqlite  # what is asked of the database is the same on both

WHO = {"nobody": None, "viewer": VERA, "editor": EDDY, "admin": ADA}
ROWS = {
    # method, path: from which role on
    ("GET", "/editor"): "viewer",
    ("GET", "/editor/sign-in"): "nobody",
    ("POST", "/editor/sign-in"): "nobody",
    ("GET", "/editor/sign-in/{token}"): "nobody",
    ("POST", "/editor/sign-in/{token}"): "nobody",
    ("POST", "/editor/sign-out"): "viewer",
    ("GET", "/editor/sessions"): "viewer",
    ("POST", "/editor/sessions/{number}"): "viewer",
    ("GET", "/editor/audit"): "admin",
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
ROLES = list(WHO)


def test_every_route_of_the_desk_has_its_row(pages: Pages) -> None:
    application: Any = pages.client.app
    there = [one for one in application.routes if getattr(one, "path", "").casefold().startswith("/editor")]
    assert all(isinstance(one, Route) for one in there)
    assert {(method, one.path) for one in there for method in one.methods - {"HEAD"}} == set(ROWS)
    assert {(door.method, door.path) for door in doors()} == set(ROWS)


def outcome(answer: httpx2.Response) -> str:
    """What a door has said: in; sign in first; not with your role; there is nothing; not this way."""
    if answer.status_code == 303 and answer.headers["location"] == "/editor/sign-in":
        return "out"
    if answer.status_code == 403:
        return "out" if "You are not signed in" in answer.text else "no" if "Not with your role" in answer.text else "refused"
    return {404: "nowhere", 405: "not so"}.get(answer.status_code, "in")


def asked(pages: Pages, browser: Browser, method: str, path: str, spelling: str) -> str:
    """What comes of a request whose path is written in a certain way."""
    written = path.replace("{token}", link_for(pages, EDDY).rpartition("/")[2])
    written = written.replace("{number}", str(_a_session(pages)) if "sessions" in path else "1")
    written = written.replace("{newsletter}", "weekly")
    verb = "HEAD" if spelling == "HEAD" else method
    sent = None if verb != "POST" else {"token": browser.token} | FORMS.get(path, {})
    return outcome(browser.client.request(verb, HOST + spell(written, spelling), data=sent, headers=OURS))


FORMS: dict[str, dict[str, str]] = {"/editor/sign-in": {"email": EDDY}}


def spell(path: str, spelling: str) -> str:
    """A path in another spelling."""
    return {
        "slash": f"{path}/",
        "slashes": f"{path}//",
        "case": path.replace("/editor", "/Editor"),
        "all in capitals": path.upper(),
        "%2e before": f"/%2e{path}",
        "%2e after": f"{path}/%2e",
        "%2e%2e": f"/x/%2e%2e{path}",
        "%2f": path.replace("/editor", "/editor%2f.."),
        "double": path.replace("/editor", "//editor"),
    }.get(spelling, path)


SAME = ("plain", "slash", "slashes")
NOWHERE = ("case", "all in capitals", "%2e before", "%2e after", "%2e%2e", "%2f", "double")


@pytest.mark.parametrize("role", ROLES)
def test_each_row_holds_in_every_spelling(project: Project, pages: Pages, role: str) -> None:
    project.offer(article("a"), article("b", tags=("databases",)))
    project.command("articles", "fetch", "--now", MONDAY.isoformat())
    project.command("issues", "draft", "weekly", "--now", MONDAY.isoformat())
    wrong = []
    for (method, path), least in ROWS.items():
        may = ROLES.index(role) >= ROLES.index(least)
        plainly = "in" if may else "out" if role == "nobody" else "no"
        for spelling in (*SAME, *NOWHERE, "HEAD"):
            found = asked(pages, _browser(pages, WHO[role]), method, path, spelling)
            if found not in _expected(method, path, plainly, spelling):
                wrong.append((method, path, spelling, found))
    assert wrong == []


def _browser(pages: Pages, email: str | None) -> Browser:
    """A browser with a session of its own: some rows end it."""
    if email is None:
        return newcomer(pages)
    app = pages.app_now()
    with app.store.writing() as connection:
        secret = sessions.begin(connection, email, now=app.now, origin=None, browser="")
    browser, signed = newcomer(pages), signing_in.who(app, secret)
    assert signed is not None
    browser.client.cookies.set(SECURE, secret)
    browser.token = signed.form_token
    return browser


def _expected(method: str, path: str, plainly: str, spelling: str) -> tuple[str, ...]:
    """What may come of a spelling, where the row says what comes of the path as it stands. HEAD is a GET without its words."""
    if spelling in SAME:
        return (plainly,)
    if spelling == "%2e after" and (method, f"{path}/{{number}}") in ROWS:  # the number of one of them, and it is none
        return ("nowhere",) if plainly == "in" else (plainly,)
    if spelling in NOWHERE:
        return ("nowhere", "not so")
    if ("GET", path) not in ROWS:
        return ("not so",)
    return ("in", "out", "refused") if method == "POST" else ("refused" if plainly == "no" else plainly,)


def _a_session(pages: Pages) -> int:
    """The newest session: of whoever is asking."""
    row = tables.editor_session.c
    with pages.app.store.reading() as connection:
        found = connection.execute(select(row.id).order_by(row.id.desc()).limit(1)).scalar()
    return found or 1

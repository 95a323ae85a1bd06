"""What somebody may try who is no editor: to have one sign in as them, to be one, to learn who one is, or to have one act."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import Engine, event

from digest.app.carrying import send_letters
from tests.journeys.project import Project
from tests.web.conftest import HOST, Pages, pages_of
from tests.web.desk.conftest import ADA, EDDY, EVERYBODY, VERA, come_in, link_for, newcomer
from tests.web.desk.examples import session_of
from tests.web.raw import Answered, Asked, answers

pytestmark = pytest.mark.sqlite  # what is asked of the database is the same on both
HERE = "127.0.0.1:8000"
ORIGINS = [
    (HOST, "news.backend.example", "https", True),
    (HOST, "news.backend.example", "http", True),  # a proxy that speaks plain http to us
    ("http://news.backend.example", "news.backend.example", "http", False),  # a page that somebody on the way wrote
    ("http://news.backend.example", "news.backend.example", "https", False),
    ("https://news.backend.example:8443", "news.backend.example:8443", "https", False),  # another server on our host
    ("https://archive.news.backend.example", "news.backend.example", "https", False),
    (f"http://{HERE}", HERE, "http", True),
    ("http://127.0.0.1:9999", HERE, "http", False),
    ("https://news.backend.example.evil.example", "news.backend.example", "https", False),
    ("null", "news.backend.example", "https", False),
    ("", "news.backend.example", "https", False),
]


def ask(
    pages: Pages, method: str, target: str, host: str = "news.backend.example", scheme: str = "https", **headers: str
) -> Answered:
    """A request to the last byte as somebody wants it."""
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    form = (("email", EDDY),) if method == "POST" else ()
    return answers(pages.client.app, [Asked(method, target, named, form, host, scheme)])[0]


def test_a_session_that_somebody_chose_for_another_is_never_theirs(pages: Pages) -> None:
    """Session fixation: what a browser has before it signs in is worth nothing afterwards."""
    for name in ("__Host-digest-desk", "digest-desk"):
        browser = newcomer(pages)
        browser.client.cookies.set(name, "chosen-by-somebody-else")
        assert browser.post(link_for(pages, EDDY)).status_code == 303
        thief = newcomer(pages)
        thief.client.cookies.set(name, "chosen-by-somebody-else")
        assert thief.get("/editor").headers["location"] == "/editor/sign-in"


def test_a_cookie_that_a_neighbour_could_set_is_looked_at_on_this_machine_alone(pages: Pages) -> None:
    """Cookie tossing: a proxy that names us by a loopback address does not make a cookie without `__Host-` ours."""
    cookie = f"digest-desk={session_of(pages, EDDY)}"
    assert ask(pages, "GET", "/editor", HERE, "http", cookie=cookie).status == 200
    for proxy in ("x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "forwarded", "via", "x-real-ip"):
        assert ask(pages, "GET", "/editor", HERE, "http", cookie=cookie, **{proxy: "192.0.2.7"}).status == 303
    assert ask(pages, "GET", "/editor", cookie=cookie).status == 303
    assert ask(pages, "GET", "/editor", cookie=cookie.replace("digest-desk", "__Host-digest-desk")).status == 200


def test_a_form_is_from_a_page_of_ours_or_does_nothing(pages: Pages) -> None:
    """Login CSRF, and every other one: where there is no session yet, the origin is all there is."""
    found = {one: ask(pages, "POST", "/editor/sign-in", one[1], one[2], origin=one[0]).status for one in ORIGINS}
    assert found == {one: 200 if one[3] else 403 for one in ORIGINS}
    assert send_letters(pages.app_now()) == sum(ours for *_, ours in ORIGINS)


def test_another_host_is_not_answered_to_and_never_stands_in_a_link(pages: Pages) -> None:
    hosts = ("evil.example", "news.backend.example.evil.example", "", "news.backend.example@evil.example", "evil.example:443")
    for host in hosts:
        assert ask(pages, "GET", "/editor/sign-in", host).status == 421
        ask(pages, "POST", "/editor/sign-in", origin=HOST, x_forwarded_host=host, x_original_host=host, forwarded=f"host={host}")
    send_letters(pages.app_now())
    mails = pages.project.mails(EDDY)
    assert len(mails) == len(hosts)
    for mail in mails:
        assert pages.link_in(mail, "editor/sign-in").startswith("/editor/sign-in/")  # below our own host, or it were not found
        assert "evil.example" not in mail.as_string()


def test_no_redirect_leads_to_another_site(pages: Pages) -> None:
    session = f"__Host-digest-desk={session_of(pages, EDDY)}"
    for target in ("//evil.example", "/editor//evil.example", "/editor/sign-in?next=//evil.example", "/%5cevil.example"):
        for cookie in ("", session):
            for one in (target, f"/editor{target}"):
                where = ask(pages, "GET", one, cookie=cookie).headers.get("location", "/editor")
                assert where in ("/editor", "/editor/sign-in"), where


def test_no_page_of_the_desk_can_be_framed_or_kept(pages: Pages) -> None:
    """Clickjacking, and what a shared computer remembers."""
    session = f"__Host-digest-desk={session_of(pages, ADA)}"
    for path in ("/editor", "/editor/sign-in", "/editor/tokens", "/editor/audit", "/editor/nothing", link_for(pages, EDDY)):
        headers = ask(pages, "GET", path, cookie=session).headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"], path
        assert (headers["x-frame-options"], headers["cache-control"]) == ("DENY", "no-store"), path
        assert headers["cross-origin-opener-policy"] == "same-origin"


def test_who_is_signed_in_is_warned_before_they_become_somebody_else(pages: Pages) -> None:
    """Somebody may send an editor a link of their own, to have them work under a name that is not theirs."""
    eddy = come_in(pages, EDDY)
    assert "You are signed in as" in eddy.get(link_for(pages, VERA)).text
    assert "You are signed in as" not in eddy.get(link_for(pages, EDDY)).text


def test_whoever_asks_learns_nothing_by_what_is_done_either(pages: Pages) -> None:
    """Enumeration by time: the same statements for an editor as for anybody; none depends on the role."""
    counted = []
    for email in ("first-of-this-minute@desk.example", EDDY, "nobody@desk.example"):
        with statements() as seen:
            newcomer(pages).post("/editor/sign-in", email=email)
        counted.append(list(seen))
    assert counted[1] == counted[2]
    assert any("editor_link" in one for one in counted[1])


@contextmanager
def statements() -> Iterator[list[str]]:
    """What is asked of databases meanwhile."""
    seen: list[str] = []

    def note(*about: object) -> None:
        seen.append(str(about[2]))

    event.listen(Engine, "before_cursor_execute", note)
    yield seen
    event.remove(Engine, "before_cursor_execute", note)


def test_a_public_url_may_be_written_in_any_way(project: Project) -> None:
    with pages_of(project, DIGEST_SITE__PUBLIC_URL="https://News.Backend.Example:443", **EVERYBODY) as pages:
        assert ask(pages, "POST", "/editor/sign-in", origin=HOST).status == 200
        assert ask(pages, "POST", "/editor/sign-in", origin="https://news.backend.example:444").status == 403

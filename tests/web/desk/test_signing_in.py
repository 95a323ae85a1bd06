"""Signing in: by a mailed link, once, within fifteen minutes; and how a session ends."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from sqlalchemy import func, select

from digest.app.carrying import send_letters
from digest.editors.sessions import ENDS_AFTER, IDLE
from digest.store import tables
from tests.journeys.project import MONDAY, Project
from tests.web.conftest import HOST, Pages, pages_of
from tests.web.desk.conftest import ADA, EDDY, EVERYBODY, VERA, Browser, come_in, link_for, newcomer


def out(browser: Browser) -> bool:
    """Whether the desk is shut to a browser."""
    answer = browser.get("/editor")
    return answer.status_code == 303 and answer.headers["location"] == "/editor/sign-in"


def test_an_editor_signs_in_by_the_mailed_link(pages: Pages) -> None:
    browser = newcomer(pages)
    assert out(browser)
    assert "is on its way" in browser.post("/editor/sign-in", email=" Eddy@Desk.example ").text
    send_letters(pages.app_now())
    (mail,) = pages.project.mails(EDDY)
    link = pages.link_in(mail, "editor/sign-in")
    opened = browser.get(link)
    assert opened.status_code == 200
    assert EDDY in opened.text
    assert out(browser)  # opening it is not enough: scanners open links
    assert browser.post(link).headers["location"] == "/editor"
    assert "What comes next" in browser.get("/editor").text
    assert browser.get(link).status_code == 404
    assert newcomer(pages).post(link).status_code == 404


def test_the_cookie_is_for_our_pages_alone_and_over_https(pages: Pages) -> None:
    answer = newcomer(pages).post(link_for(pages, EDDY))
    name, _, rest = answer.headers["set-cookie"].partition("=")
    assert name == "__Host-digest-desk"
    assert {part.strip().lower() for part in rest.split(";")[1:]} >= {"httponly", "secure", "samesite=lax", "path=/"}


@pytest.mark.parametrize(("origin", "secure"), [("http://127.0.0.1:8000", False), (HOST, True)])
def test_secure_is_left_off_on_plain_http_of_this_machine_alone(pages: Pages, origin: str, secure: bool) -> None:
    # The second one: a proxy that came by https and names us by a loopback address.
    browser = newcomer(pages)
    link = link_for(pages, EDDY)
    answer = browser.client.post(f"http://127.0.0.1:8000{link}", headers={"Origin": origin})
    assert answer.status_code == 303
    assert ("secure" in answer.headers["set-cookie"].lower()) is secure


def test_whoever_asks_sees_the_same_and_only_editors_are_written_to(pages: Pages) -> None:
    emails = (EDDY, "nobody@desk.example", "ann@x.example", "no address")
    said = {newcomer(pages).post("/editor/sign-in", email=email).text for email in emails}
    assert len(said) == 1
    with pages.app.store.reading() as connection:
        rows = connection.execute(select(tables.letter.c.address).order_by(tables.letter.c.id)).scalars().all()
    assert rows == [EDDY, "nobody@desk.example", "ann@x.example"]  # as many rows for an editor as for anybody
    send_letters(pages.app_now())
    assert [len(pages.project.mails(email)) for email in emails[:3]] == [1, 0, 0]


def test_nobody_is_written_to_without_end(pages: Pages) -> None:
    for _ in range(20):
        assert newcomer(pages).post("/editor/sign-in", email=EDDY).status_code == 200
    with pages.app.store.reading() as connection:
        assert connection.execute(select(func.count()).select_from(tables.letter)).scalar_one() == 6
    link_for(pages, EDDY)  # the command line is bound by nothing


def test_a_link_is_over_after_fifteen_minutes(pages: Pages) -> None:
    link = link_for(pages, EDDY)
    pages.times.append(MONDAY + timedelta(minutes=15))
    assert (newcomer(pages).get(link).status_code, newcomer(pages).post(link).status_code) == (404, 404)


def test_a_link_that_was_not_read_in_time_is_not_sent_any_more(pages: Pages) -> None:
    newcomer(pages).post("/editor/sign-in", email=EDDY)
    pages.times.append(MONDAY + timedelta(minutes=16))
    send_letters(pages.app_now())
    assert pages.project.mails(EDDY) == []


@pytest.mark.parametrize("how", ["x", "A" * 40, "of another purpose"])
def test_a_token_that_is_not_ours_lets_nobody_in(pages: Pages, how: str) -> None:
    token = pages.token("ann@x.example") if how == "of another purpose" else how
    assert newcomer(pages).post(f"/editor/sign-in/{token}").status_code == 404


def test_signing_in_again_is_another_session_and_the_one_before_is_over(pages: Pages) -> None:
    browser = come_in(pages, EDDY)
    before = dict(browser.client.cookies)
    come_in(pages, EDDY, browser)
    assert dict(browser.client.cookies) != before
    former = newcomer(pages)
    former.client.cookies.update(before)
    assert out(former)
    assert not out(browser)


def test_a_session_is_over_with_its_next_request_after_it_was_revoked(pages: Pages) -> None:
    eddy, admin = come_in(pages, EDDY), come_in(pages, ADA)
    page = admin.get("/editor/sessions").text
    assert page.count("End it") == 2
    number = _session(pages, EDDY)
    assert not out(eddy)
    assert admin.post(f"/editor/sessions/{number}").status_code == 303
    assert out(eddy)
    assert not out(admin)
    assert "ended a session: <bdi>eddy@desk.example" in admin.get("/editor/audit").text


def test_nobody_but_an_admin_sees_or_ends_the_session_of_another(pages: Pages) -> None:
    eddy, vera = come_in(pages, EDDY), come_in(pages, VERA)
    assert EDDY not in vera.get("/editor/sessions").text
    assert vera.post(f"/editor/sessions/{_session(pages, EDDY)}").status_code == 404
    assert not out(eddy)


def test_who_signs_out_is_out_and_the_cookie_is_worth_nothing(pages: Pages) -> None:
    browser = come_in(pages, EDDY)
    kept = dict(browser.client.cookies)
    assert browser.post("/editor/sign-out").headers["location"] == "/editor/sign-in?out"
    browser.client.cookies.update(kept)
    assert out(browser)


def test_a_session_ends_when_nobody_uses_it(pages: Pages) -> None:
    idle, busy = come_in(pages, EDDY), come_in(pages, EDDY)
    pages.times.append(MONDAY + IDLE / 2)
    assert not out(busy)
    pages.times.append(MONDAY + IDLE)
    assert (out(idle), out(busy)) == (True, False)


def test_a_session_ends_after_a_week_however_busy_it_is(pages: Pages) -> None:
    busy = come_in(pages, EDDY)
    for place in range(1, 14):
        pages.times.append(MONDAY + place * ENDS_AFTER / 14.5)
        assert not out(busy)
    pages.times.append(MONDAY + ENDS_AFTER)
    assert out(busy)


def test_who_is_taken_out_of_the_configuration_is_out(project: Project, pages: Pages) -> None:
    browser = come_in(pages, EDDY)
    kept = dict(browser.client.cookies)
    with pages_of(project, **EVERYBODY | {"DIGEST_EDITORS__EMAILS": "[]"}) as later:
        former = newcomer(later)
        former.client.cookies.update(kept)
        assert out(former)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": HOST, "Sec-Fetch-Site": "cross-site"},
        {"Origin": HOST, "Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ],
)
def test_what_another_site_posts_changes_nothing_not_even_with_the_token(pages: Pages, headers: dict[str, str]) -> None:
    browser = come_in(pages, EDDY)
    browser.headers = headers
    for path in ("/editor/sign-out", "/editor/sign-in", link_for(pages, EDDY)):
        assert browser.post(path, email=EDDY).status_code == 403
    assert not out(browser)
    assert send_letters(pages.app_now()) == 0


def test_a_form_of_another_session_changes_nothing(pages: Pages) -> None:
    eddy, vera = come_in(pages, EDDY), come_in(pages, VERA)
    for token in ("", vera.token, "é"):
        eddy.token = token
        assert "another session" in eddy.post("/editor/sign-out").text
    assert not out(eddy)


def test_the_database_holds_no_secret_that_lets_somebody_in(pages: Pages) -> None:
    browser = come_in(pages, EDDY)
    (secret,) = browser.client.cookies.values()
    with pages.app.store.reading() as connection:
        rows = [
            str(tuple(row))
            for table in (tables.editor_session, tables.editor_link, tables.audit)
            for row in connection.execute(select(table))
        ]
    assert rows
    assert not any(secret in row for row in rows)


def test_the_command_line_makes_a_link_for_who_is_named_and_for_nobody_else(pages: Pages) -> None:
    said = pages.project.command("editor", "link", EDDY, "--now", MONDAY.isoformat(), **EVERYBODY)
    assert said.returncode == 0, said.stderr
    link = urlsplit(said.stdout.strip())
    assert f"{link.scheme}://{link.netloc}" == HOST
    assert newcomer(pages).post(link.path).status_code == 303
    said = pages.project.command("editor", "link", "nobody@x.example", **EVERYBODY)
    assert (said.returncode, "nobody@x.example is no editor" in said.stderr) == (2, True)


def _session(pages: Pages, email: str) -> int:
    row = tables.editor_session.c
    with pages.app.store.reading() as connection:
        return int(connection.execute(select(row.id).where(row.email == email, row.revoked_at.is_(None))).scalar_one())

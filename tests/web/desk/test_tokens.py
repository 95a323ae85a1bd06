"""Tokens: made by admins and by the command line, shown once, over at their end, when revoked, and with who made them."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import httpx2
import pytest
from sqlalchemy import select

from digest.app import granting
from digest.editors.tokens import MOST_DAYS
from digest.errors import UsageError
from digest.store import tables
from tests.journeys.project import MONDAY, Project
from tests.web.conftest import Pages, pages_of
from tests.web.desk.conftest import ADA, EDDY, EVERYBODY, Browser
from tests.web.desk.examples import signed_in


def make(browser: Browser, **form: str) -> httpx2.Response:
    """Press the button."""
    return browser.post("/editor/tokens", **{"name": "The CMS", "scope": "issues:read", "days": "30"} | form)


def shown(answer: httpx2.Response) -> str:
    """The secret that a page shows."""
    (found,) = re.findall(r'<code class="secret">(\w[\w-]+)</code>', answer.text)
    return str(found)


def alive(pages: Pages, secret: str) -> bool:
    """Whether the API knows it."""
    return pages.client.get("/api/v1/newsletters", headers={"Authorization": f"Bearer {secret}"}).status_code == 200


def test_an_admin_makes_one_which_is_shown_once_and_kept_nowhere(pages: Pages) -> None:
    ada = signed_in(pages, ADA)
    answer = make(ada)
    secret = shown(answer)
    assert answer.headers["cache-control"] == "no-store"
    assert alive(pages, secret)
    page = ada.get("/editor/tokens").text
    assert secret not in page
    assert "The CMS" in page
    assert "made a token: <bdi>The CMS (token 1): issues:read</bdi>" in ada.get("/editor/audit").text
    with pages.app.store.reading() as connection:
        assert secret not in str([connection.execute(select(table)).all() for table in tables.metadata.sorted_tables])


def test_it_says_when_it_was_last_used(pages: Pages) -> None:
    ada = signed_in(pages, ADA)
    secret = shown(make(ada))
    assert "never" in ada.get("/editor/tokens").text
    pages.times.append(MONDAY + timedelta(hours=3))
    assert alive(pages, secret)
    assert (MONDAY + timedelta(hours=3)).strftime("%H:%M UTC") in ada.get("/editor/tokens").text


def test_one_that_is_revoked_is_nobodys_with_the_next_request(pages: Pages) -> None:
    ada = signed_in(pages, ADA)
    secret, other = shown(make(ada)), shown(make(ada))
    assert alive(pages, secret)
    assert ada.post("/editor/tokens/1").status_code == 303
    assert (alive(pages, secret), alive(pages, other)) == (False, True)
    assert ada.post("/editor/tokens/1").status_code == 404
    assert "revoked a token: <bdi>The CMS (token 1)</bdi>" in ada.get("/editor/audit").text


def test_one_is_over_when_who_made_it_is_no_admin_any_more_and_that_of_the_command_line_is_not(
    project: Project, pages: Pages
) -> None:
    secret = shown(make(signed_in(pages, ADA)))
    theirs = granting.grant(pages.app_now(), "cron", ["issues:read"], 9, actor="root (command line)").secret
    with pages_of(project, **EVERYBODY | {"DIGEST_EDITORS__ADMINS": "[]", "DIGEST_EDITORS__EMAILS": f'["{ADA}"]'}) as later:
        assert (alive(later, secret), alive(later, theirs)) == (False, True)


def test_what_a_token_cannot_be_is_said_and_none_is_made(pages: Pages) -> None:
    wrong: list[tuple[dict[str, str], str]] = [
        ({"name": " "}, "name: say"),
        ({"name": "x" * 81}, "name: say"),
        ({"name": "a\nb"}, "name: say"),
        ({"scope": ""}, "say what the token may do"),
        ({"scope": "everything"}, "is no scope"),
        ({"days": "0"}, "1 to 366 days"),
        ({"days": str(MOST_DAYS + 1)}, "1 to 366 days"),
        ({"days": "soon"}, "1 to 366 days"),
    ]
    ada = signed_in(pages, ADA)
    for form, said in wrong:
        answer = make(ada, **form)
        assert (answer.status_code, said in answer.text) == (422, True), form
    assert granting.every(pages.app_now()) == []


def test_the_command_line_makes_lists_and_revokes(pages: Pages) -> None:
    now = ("--now", MONDAY.isoformat())
    made = pages.project.command("editor", "token", "make", "cron", "--scope", "issues:read", "--scope", "stats:read", *now)
    assert made.returncode == 0, made.stderr
    assert "shown this once" in made.stderr
    assert alive(pages, made.stdout.strip())
    listed = json.loads(pages.project.command("editor", "token", "list", "--json", *now).stdout)
    assert [(one["number"], one["state"], one["scopes"]) for one in listed] == [(1, "alive", ["issues:read", "stats:read"])]
    assert made.stdout.strip() not in str(listed)
    assert pages.project.command("editor", "token", "revoke", "1", *now).returncode == 0
    assert not alive(pages, made.stdout.strip())
    again = pages.project.command("editor", "token", "revoke", "1", *now)
    assert (again.returncode, "no token 1 is alive" in again.stderr) == (2, True)
    wrong = pages.project.command("editor", "token", "make", "cron", "--scope", "all", *now)
    assert (wrong.returncode, "there are issues:read, " in wrong.stderr) == (2, True)


def test_nobody_but_an_admin_makes_one(pages: Pages) -> None:
    assert make(signed_in(pages, EDDY)).status_code == 403
    with pytest.raises(UsageError):
        granting.revoke(pages.app_now(), 1, actor="test")

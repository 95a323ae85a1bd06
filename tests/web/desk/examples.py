"""Examples: for each door that is opened by GET, who goes through it and what they see. One line a door; a door without one fails.

The gallery looks at all of them in a browser, the matrix asks for them in every spelling, and opening them changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import select

from digest.app import granting, signing_in
from digest.editors import sessions
from digest.store import tables
from tests.journeys.project import MONDAY, WEEK, Project, article
from tests.web.conftest import Pages
from tests.web.desk.conftest import ADA, EDDY, OURS, Browser, link_for, newcomer
from tests.web.desk.issue import Draft, offer

_ISSUE = "/editor/issues/{newsletter}/{number}"


@dataclass(frozen=True, slots=True)
class Example:
    """How a door is looked at: by whom (None: by nobody who is signed in), with which queries, and with what in its path.

    `is_page` is False for what is no page of the desk: a mail in its frame, a file, a stream, a way elsewhere.
    """

    who: str | None = EDDY
    queries: tuple[str, ...] = ("",)
    at: Mapping[str, str] = field(default_factory=dict)
    is_page: bool = True
    status: int = 200
    ends: bool = True
    """False for a stream, which nobody reads to its end."""


SENT, DRAFTED = "1", "2"
EXAMPLES = {
    "/editor": Example(ADA),
    "/editor/sign-in": Example(None),
    "/editor/sign-in/{token}": Example(None),
    "/editor/openid": Example(None, is_page=False, status=404),  # none is configured here; test_openid.py looks at its pages
    "/editor/openid/back": Example(None, is_page=False, status=404),
    "/editor/sessions": Example(ADA),
    "/editor/audit": Example(ADA),
    "/editor/tokens": Example(ADA),
    _ISSUE: Example(
        queries=("", "?part=text&pictures=off", "?words={article}&mode=dark&width=375", "?part=inbox", "?find=zeta&beside=last")
    ),
    f"{_ISSUE}/news": Example(is_page=False),
    f"{_ISSUE}/preview": Example(
        queries=("", "?part=inbox", "?part=headers", "?case=thirty", "?case=rtl&part=text", "?mode=inverted", "?beside=last"),
        is_page=False,
    ),
    f"{_ISSUE}/audience": Example(),
    f"{_ISSUE}/progress": Example(is_page=False, ends=False),
    f"{_ISSUE}/correct": Example(at={"number": SENT}),
    "/editor/newsletters/{newsletter}/special": Example(),
    "/editor/articles": Example(queries=("", "?q=a&topic=weekly/python&state=arrived&after=9")),
    "/editor/articles/{number}": Example(at={"number": "1"}),
    "/editor/sources": Example(),
    "/editor/settings": Example(),
    "/editor/subscribers": Example(queries=("", "?q=x&state=active")),
    "/editor/subscribers/{number}": Example(at={"number": "1"}, queries=("", "?issue=weekly/1")),
    "/editor/suppressions": Example(queries=("", "?q=x&scope=weekly")),
    "/editor/deliveries": Example(queries=("", "?issue=weekly/1&state=unknown")),
    "/editor/simulate": Example(queries=("", "?newsletter=weekly&from=2026-11-01&to=2026-11-30")),
}

USUAL = {"newsletter": "weekly", "number": DRAFTED}
"""What stands in a path where the example says nothing else."""


def addresses(pages: Pages, path: str, example: Example) -> list[str]:
    """The addresses at which a door is looked at."""
    known = USUAL | {"token": link_for(pages, EDDY).rpartition("/")[2], "article": str(_an_article(pages))} | dict(example.at)
    found = re.sub(r"{(\w+)(?::\w+)?}", lambda one: known[one[1]], path)
    return [found + query.replace("{article}", known["article"]) for query in example.queries]


def set_up(project: Project) -> None:
    """One issue went out, and articles wait for the next one."""
    project.offer(article("o", title="Omega"))
    project.run(MONDAY)
    offer(project)
    project.command("articles", "fetch", "--now", (MONDAY + WEEK).isoformat())


def busy(pages: Pages) -> None:
    """The next issue is a draft that somebody works on; a program has a token."""
    eddy = signed_in(pages, EDDY)
    eddy.post("/editor/newsletters/weekly/draft")
    at, number = f"/editor/issues/weekly/{DRAFTED}", Draft(pages, eddy).number("Alpha")
    for revision, (do, texts) in enumerate(_changes(number), 1):
        answer = eddy.post(f"{at}/change", do=do, revision=str(revision), **texts)
        assert answer.status_code == 303, answer.text
    granting.grant(pages.app_now(), "The archive of the CMS", ["issues:read", "articles:write"], 90, actor=ADA, owner=ADA)


def _changes(number: int) -> list[tuple[str, dict[str, str]]]:
    return [
        (f"rewrite {number}", {"title": "Alpha, said better", "summary": ""}),
        ("subject", {"subject": "A subject of ours", "preheader": "And what stands behind it"}),
        ("note", {"note": "Good *morning*."}),
    ]


def signed_in(pages: Pages, email: str | None) -> Browser:
    """A browser with a session, or without."""
    browser = newcomer(pages)
    if email is None:
        return browser
    secret = session_of(pages, email)
    signed = signing_in.who(pages.app_now(), secret)
    assert signed is not None
    browser.client.cookies.set("__Host-digest-desk", secret)
    browser.token, browser.headers = signed.form_token, dict(OURS)
    return browser


def session_of(pages: Pages, email: str) -> str:
    """The secret of a new session."""
    app = pages.app_now()
    with app.store.writing() as connection:
        return sessions.begin(connection, email, now=app.now, origin="192.0.2.0/24", browser="Mozilla/5.0 (X11; Linux x86_64)")


def _an_article(pages: Pages) -> int:
    row = tables.article.c
    with pages.app.store.reading() as connection:
        return int(connection.execute(select(row.id).order_by(row.id.desc()).limit(1)).scalar_one())

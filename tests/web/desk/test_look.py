"""Every page of the desk is valid, and can be read by everybody: light and dark, narrow and wide."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser
from sqlalchemy import update

from digest.audience.suppression import suppress
from digest.store import tables
from tests.journeys.project import MONDAY, WEEK, Project, article
from tests.rendering.judges import html_findings, needs_judges
from tests.rendering.looking import needs_browser
from tests.web.conftest import Pages, pages_of
from tests.web.desk.browsing import served, visiting
from tests.web.desk.conftest import ADA, EDDY, EVERYBODY, VERA, come_in, link_for, newcomer
from tests.web.desk.conftest import Browser as Visitor
from tests.web.desk.issue import AT, Draft, offer
from tests.web.desk.judging import faults_of_looks
from tests.web.test_look import AS_WE_DO

HTML = "text/html; charset=utf-8"
PICTURES = os.environ.get("DIGEST_TEST_PICTURES")
pytestmark = [pytest.mark.sqlite, pytest.mark.judges, needs_judges]


@pytest.fixture
def pages(project: Project) -> Iterator[Pages]:
    """One issue went out, the next one is a draft."""
    project.offer(article("o", title="Omega"))
    project.run(MONDAY)
    offer(project)
    project.command("articles", "fetch", "--now", (MONDAY + WEEK).isoformat())
    with pages_of(project, MONDAY + WEEK, **EVERYBODY) as made:
        yield made


def every_page(pages: Pages) -> dict[str, str]:
    """All of them, as HTML by name."""
    nobody, eddy, vera, ada = newcomer(pages), come_in(pages, EDDY), come_in(pages, VERA), come_in(pages, ADA)
    at, form = AT.replace("/1", "/2"), {"revision": "1"}
    found = {"sign-in": nobody.get("/editor/sign-in"), "asked": nobody.post("/editor/sign-in", email=EDDY)}
    found |= {
        "enter": nobody.get(link_for(pages, EDDY)),
        "over": nobody.get("/editor/sign-in/x"),
        "out": nobody.post("/editor/sign-out"),
    }
    found |= {"home-no-draft": eddy.get("/editor"), "drafted": eddy.post("/editor/newsletters/weekly/draft")}
    found |= {"refused": eddy.post("/editor/newsletters/weekly/draft"), "issue": eddy.get(at), "issue-viewer": vera.get(at)}
    number = Draft(pages, eddy).number("Alpha")
    eddy.post(f"{at}/change", do=f"rewrite {number}", title="Better", summary="", **form)
    eddy.post(f"{at}/change", do="subject", subject="A subject of ours", preheader="", revision="2")
    eddy.post(f"{at}/change", do="note", note="A note", revision="3")
    found["issue-words"] = eddy.get(f"{at}?words={number}&mode=dark&part=text")
    found["issue-found"] = eddy.get(f"{at}?find=e&beside=last&part=inbox&mode=inverted")
    found["issue-readers"] = eddy.post(f"{at}/reader", email="x.example")
    found["inbox"] = eddy.get(f"{at}/preview?part=inbox")
    found["issue-stale"] = eddy.post(f"{at}/change", do="note", note="Too late", **form)
    found["issue-wrong"] = eddy.post(f"{at}/change", do="restore 77", revision="4")
    eddy.post(f"{at}/decide", do="approve", revision="4")
    found |= {"issue-approved": eddy.get(at), "issue-sent": eddy.get(AT), "home": ada.get("/editor")}
    found |= {"audience": eddy.get(f"{at}/audience"), "sessions": ada.get("/editor/sessions"), "audit": ada.get("/editor/audit")}
    found |= {"no": vera.post(f"{at}/change", do="note"), "not-found": eddy.get("/editor/issues/weekly/9")}
    special = "/editor/newsletters/weekly/special"
    found |= {"special": eddy.get(special), "special-wrong": eddy.post(special, what="named", articles="none")}
    found |= {"correct": eddy.get(f"{AT}/correct"), "issue-rescheduled": _rescheduled(eddy, at)}
    pages.project.plan(MONDAY + 2 * WEEK)
    found["issue-sending"] = eddy.get(at)
    eddy.post(f"{at}/send", do="pause", reason="A wrong date")
    found["issue-paused"] = eddy.get(at)
    found |= _rest(pages, ada, vera)
    vera.token = "x"
    made = ada.post("/editor/tokens", name="The CMS", scope="issues:read", days="30")
    ada.post("/editor/tokens/1")
    found |= {"token-made": made, "token-wrong": ada.post("/editor/tokens"), "tokens": ada.get("/editor/tokens")}
    found["stale"] = vera.post("/editor/sign-out")
    return {name: answer.text for name, answer in found.items() if answer.status_code != 303}


def _rescheduled(eddy: Visitor, at: str) -> httpx2.Response:
    eddy.post(f"{at}/send", do="at", at=f"{MONDAY + 2 * WEEK - timedelta(days=1):%Y-%m-%dT%H:%M}", revision="4")
    return eddy.get(at)


def _rest(pages: Pages, ada: Visitor, vera: Visitor) -> dict[str, Any]:
    """The pages beside an issue's, with something in each, and with what can be wrong at them."""
    app = pages.app_now()
    with app.store.writing() as connection:
        suppress(connection, "ann@x.example", "*", reason="complained", source="sendgrid", now=app.now)
        first = tables.delivery.c.issue_id == 1
        connection.execute(update(tables.delivery).where(first).values(state="unknown", answer="a time-out after the last byte"))
        connection.execute(update(tables.source).values(error="https://a.example/feed: it answered 503", gap_at=app.now))
    ann = pages.person("ann@x.example")
    assert ann is not None
    at, sure = f"/editor/subscribers/{ann.id}", {"reason": "It was wrong", "sure": "withdraw"}
    return {
        "home-wanting": ada.get("/editor"),
        "articles": ada.get("/editor/articles"),
        "articles-none": vera.get("/editor/articles?q=nothing+is+called+so"),
        "article": ada.get("/editor/articles/1"),
        "article-viewer": vera.get("/editor/articles/1"),
        "article-wrong": ada.post("/editor/articles/1/withdraw", reason="", sure="withdraw"),
        "article-withdrawn": ada.post("/editor/articles/1/withdraw", **sure),
        "sources": vera.get("/editor/sources"),
        "subscribers": ada.get("/editor/subscribers"),
        "subscriber": ada.get(f"{at}?issue=weekly/1"),
        "subscriber-wrong": ada.get(f"{at}?issue=weekly/9"),
        "suppressions": ada.get("/editor/suppressions"),
        "suppressions-wrong": ada.post("/editor/suppressions/lift", address="ann@x.example", scope="*", reason="They asked"),
        "deliveries": ada.get("/editor/deliveries?issue=weekly/1"),
        "deliveries-wrong": ada.post("/editor/deliveries/resolve", issue="weekly/1", sure="no"),
        "settings": ada.get("/editor/settings"),
        "simulate": ada.get("/editor/simulate"),
        "simulated": ada.get("/editor/simulate?newsletter=weekly&from=2026-11-01&to=2026-12-14"),
    }


def test_every_page_is_valid_html(pages: Pages, tmp_path: Path) -> None:
    folder = tmp_path / "judged"
    folder.mkdir()
    found = every_page(pages)
    assert len(found) > 17
    # A button of a form submits it, and a field without a type is one of text: that goes without saying.
    findings = html_findings(found, folder, (*AS_WE_DO, "no-implicit-button-type", "no-implicit-input-type"))
    assert findings == [], "\n".join(findings)
    assert max(len(html.encode()) for html in found.values()) < 100_000


@pytest.mark.proof
@pytest.mark.browser
@needs_browser
@pytest.mark.parametrize("width", [375, 820, 1280])
def test_every_page_can_be_read_by_everybody(pages: Pages, chromium: Browser, width: int) -> None:
    """In whatever state somebody meets it: what a door shows when it is opened, and moving and weight, the gallery looks at."""
    found, wrong = every_page(pages), []
    with served(pages) as at, visiting(chromium, at, viewport={"width": width, "height": 900}) as (page, _):
        empty = "<!doctype html><title>Mail</title>"
        page.context.route("**/preview*", lambda route: route.fulfill(body=empty, content_type=HTML))
        page.context.route(
            "**/look-*", lambda route: route.fulfill(body=found[route.request.url.partition("look-")[2]], content_type=HTML)
        )
        for name in found:
            page.goto(f"{at}/look-{name}")
            for mode in ("light", "dark"):
                page.emulate_media(color_scheme="dark" if mode == "dark" else "light")
                if PICTURES:
                    page.screenshot(path=Path(PICTURES) / f"desk-{name}-{width}-{mode}.png", full_page=True)
                wrong += [(name, mode, one) for one in faults_of_looks(page)]
    assert wrong == [], wrong

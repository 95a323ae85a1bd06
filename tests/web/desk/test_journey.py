"""A Monday morning in a real browser: from the mailed link to what went out, by keyboard, by mouse, and without a script."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page

from digest.app.carrying import send_letters
from digest.issues.lifecycle import IssueState
from tests.journeys.project import MONDAY, Project
from tests.rendering.looking import a_browser, needs_browser
from tests.web.conftest import HOST, Pages, pages_of
from tests.web.desk.browsing import served, sign_in, visiting
from tests.web.desk.conftest import EDDY, EVERYBODY, come_in
from tests.web.desk.issue import AT, Draft, offer

PICTURES = os.environ.get("DIGEST_TEST_PICTURES")
pytestmark = [pytest.mark.browser, needs_browser, pytest.mark.sqlite]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with a_browser() as browser:
        yield browser


@pytest.fixture
def drafted(project: Project) -> Iterator[Pages]:
    offer(project)
    with pages_of(project, **EVERYBODY) as pages:
        yield pages


@pytest.mark.parametrize("script", [True, False])
def test_from_the_mailed_link_to_what_went_out_by_keyboard(drafted: Pages, chromium: Browser, script: bool) -> None:
    with served(drafted) as at, visiting(chromium, at, java_script_enabled=script) as (page, complaints):
        page.goto(f"{at}/editor")
        page.get_by_label("Your address").fill(EDDY)
        page.keyboard.press("Enter")
        page.get_by_role("heading", name="Look for the mail").wait_for()
        send_letters(drafted.app_now())
        (mail,) = drafted.project.mails(EDDY)
        page.goto(at + drafted.link_in(mail, "editor/sign-in"))
        page.get_by_role("button", name="Come in").press("Enter")
        page.get_by_role("link", name="Backend Weekly").press("Enter")
        page.get_by_role("button", name="Leave out Delta").press("Enter")
        page.get_by_role("button", name="Put back Delta").wait_for()
        page.get_by_role("button", name="Up Alpha").press("Enter")
        page.get_by_role("button", name="Unpin Alpha").wait_for()
        page.get_by_role("link", name="Other words for Gamma").press("Enter")
        page.get_by_label("Title in this issue").fill("Gamma, said better")
        page.keyboard.press("Enter")
        page.get_by_text("at its source: Gamma").wait_for()
        page.locator("#note summary").press("Enter")
        page.get_by_label("What you say above").fill("Good morning.")
        page.get_by_role("button", name="Save the note").press("Enter")
        frame = page.frame_locator("iframe")
        frame.get_by_text("Good morning.").wait_for()
        frame.get_by_role("heading", name="Gamma, said better").wait_for()
        page.get_by_role("button", name="Approve revision 5").press("Enter")
        page.get_by_text("Approved by").wait_for()
        assert complaints == []
    draft = Draft(drafted, come_in(drafted, EDDY))
    approved = draft.preview(part="text")
    drafted.project.run(MONDAY)
    (sent,) = drafted.project.mails("ann@x.example")
    part = sent.get_body(("plain",))
    assert part is not None
    ann = drafted.person("ann@x.example")
    assert ann is not None
    arrived = part.get_content().replace("\r\n", "\n")
    assert arrived.strip() == draft.preview(part="text", reader=str(ann.id)).strip()
    assert draft.titles(approved) == draft.titles(arrived)
    assert draft.issue.state is IssueState.SENT
    assert "weekly/1" in draft.browser.get("/editor").text


@pytest.mark.proof
def test_an_issue_is_watched_going_out_paused_and_let_go_on(project: Project, chromium: Browser) -> None:
    offer(project)
    for number in range(10):
        project.join(f"u{number}@x.example")
    with pages_of(project, **EVERYBODY, DIGEST_DELIVERY__RATE="2", DIGEST_DELIVERY__CONCURRENCY="1") as pages:
        sending = pages.outgoing.attendant(lambda: replace(pages.app_now(), stop=pages.outgoing.stop))
        sending.start()
        with served(pages) as at, visiting(chromium, at) as (page, complaints):
            sign_in(page, at, pages, EDDY)
            page.goto(f"{at}{AT}")
            page.get_by_role("button", name="Approve revision 1").press("Enter")
            page.get_by_label("Send it now").fill("weekly/1")
            page.keyboard.press("Enter")
            page.locator("#progress dd[data-state=accepted]:not(:text-is('0'))").wait_for()
            page.locator("[data-words]", has_text=re.compile(r"of 12 · [0-9.]+ a second · about \d+ seconds left")).wait_for()
            if PICTURES:
                page.screenshot(path=Path(PICTURES) / "desk-going-out.png", full_page=True)
            page.get_by_label("Pause it").fill("A wrong date")
            page.get_by_role("button", name="Pause").press("Enter")
            page.get_by_role("button", name="Let it go on").wait_for()
            gone = len(project.sink.arrived)
            assert 0 < gone < 12
            page.get_by_role("button", name="Let it go on").press("Enter")
            page.locator(".head .state.sent").wait_for(timeout=20_000)
            assert complaints == []
        pages.outgoing.stop.set()
        sending.join(10)
    assert sorted(one.rcpt_to for one in project.sink.arrived) == sorted({one.rcpt_to for one in project.sink.arrived})
    assert len(project.sink.arrived) == 12


def test_an_article_is_dragged_to_another_place_of_its_topic_and_to_no_other_topic(drafted: Pages, chromium: Browser) -> None:
    draft = Draft(drafted, come_in(drafted, EDDY))
    assert [title for title in draft.titles() if title in ("Epsilon", "Delta", "Gamma")] == ["Epsilon", "Delta", "Gamma"]
    with served(drafted) as at, visiting(chromium, at) as (page, complaints):
        sign_in(page, at, drafted, EDDY)
        page.goto(f"{at}{AT}")
        row = {title: page.locator(f"#article-{draft.number(title)}") for title in ("Epsilon", "Gamma", "Alpha")}
        with page.expect_navigation():
            drag(page, row["Gamma"], row["Epsilon"])
        drag(page, row["Gamma"], row["Alpha"])
        assert draft.issue.revision == 2
        assert complaints == []
    assert [title for title in draft.titles() if title in ("Epsilon", "Delta", "Gamma")] == ["Gamma", "Epsilon", "Delta"]


def drag(page: Page, row: Locator, to: Locator) -> None:
    """Take a row by its edge, and drop it on the upper edge of another."""
    row.hover(position={"x": 5, "y": 5})
    page.mouse.down()
    for y in (9, 3):
        to.hover(position={"x": 30, "y": y})
    page.mouse.up()


def test_the_host_is_the_desks(drafted: Pages) -> None:
    assert drafted.client.get("/editor", headers={"Host": "evil.example"}).status_code == 421
    assert drafted.client.get(f"{HOST}/editor").status_code == 303

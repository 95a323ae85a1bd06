"""A person with a telephone: from the form by the mail to the next issue and out again, with the page's script and without."""

from __future__ import annotations

import os
import re
from contextlib import ExitStack
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, Route

from tests.databases import eventually
from tests.journeys.project import MONDAY, WEEK, Project, article
from tests.journeys.serving import Served, served
from tests.journeys.test_leaving import ONE_CLICK, one_click_address
from tests.rendering.judges import AXE
from tests.rendering.looking import FAINT, needs_browser

pytestmark = [pytest.mark.browser, pytest.mark.rather_sqlite, needs_browser]

EVE = "eve@new.example"
PICTURES = os.environ.get("DIGEST_TEST_PICTURES")
"""A folder where pictures of the pages are left for who wants to look at them."""


class Telephone:
    """A browser as wide as a telephone, for which the public host is the served port; it asks nobody else."""

    def __init__(self, browser: Browser, pages: Served, *, script: bool) -> None:
        self.context = browser.new_context(
            viewport={"width": 360, "height": 740},
            java_script_enabled=script,
            timezone_id="Asia/Tokyo",
            locale="en-GB",
        )
        self.page: Page = self.context.new_page()
        self.faults: list[str] = []
        self.page.on("console", lambda message: self.faults.append(message.text) if message.type == "error" else None)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self._port, self._script = pages.port, script
        self.context.route(re.compile(r"^https?://(?!127\.0\.0\.1)"), self._refuse)

    def _refuse(self, route: Route) -> None:
        route.abort()

    def open(self, address: str) -> None:
        """Open an address of the public host, or a path."""
        path = re.sub(r"^https://news\.backend\.example", "", address)
        self.page.goto(f"http://127.0.0.1:{self._port}{path}")

    def look(self, name: str) -> None:
        """The page fits, everything on it can be read by day and by night, every field has a label, and its policy was kept to."""
        for mode in MODES:
            self.page.emulate_media(color_scheme=mode)
            if PICTURES:
                self.page.screenshot(path=str(Path(PICTURES) / f"{name}-{mode}.png"), full_page=True)
            if self._script:
                assert self.page.evaluate("document.documentElement.scrollWidth") <= 360
                assert self.page.evaluate(FAINT) == []
                assert self.page.evaluate(UNNAMED) == []
                if AXE.exists():
                    self.page.evaluate(AXE.read_text(encoding="utf-8"))
                    assert self.page.evaluate(VIOLATIONS) == []
        assert self.faults == []

    def press(self, name: str) -> None:
        """Press a button by what stands on it."""
        self.page.get_by_role("button", name=name, exact=True).click()
        self.page.wait_for_load_state()


VIOLATIONS = """async () => (await axe.run(document)).violations
  .map(found => [found.id, found.nodes.map(node => node.html.slice(0, 200))])"""
MODES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
UNNAMED = """() => [...document.querySelectorAll('input:not([type=hidden]), select')]
  .filter(field => !field.labels.length).map(field => field.name)"""


def link(mail: EmailMessage, page: str) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return str(re.findall(rf"https://news\.backend\.example/{page}/\S+", part.get_content())[0])


@pytest.mark.parametrize("script", [True, False])
def test_from_the_form_to_the_next_issue_and_out_again(project: Project, chromium: Browser, script: bool) -> None:
    project.offer(article("py"), article("db", tags=("databases",)), article("sec", tags=("security",)))
    project.join("other@x.example")
    with ExitStack() as serving:
        pages = serving.enter_context(served(project, "--now", MONDAY.isoformat()))
        phone = Telephone(chromium, pages, script=script)
        phone.open("/subscribe")
        phone.page.get_by_label("Your e-mail address").fill(EVE)
        phone.page.get_by_label("All of them, new ones too").uncheck()
        phone.page.get_by_label("Python").check()
        phone.look("subscribe")
        assert phone.page.get_by_label("Time zone").input_value() == ("Asia/Tokyo" if script else "UTC")
        phone.press("Subscribe")
        if not script:
            assert "Please wait" in phone.page.inner_text("main")
            phone.look("wait")
            serving.close()  # and is there again, at the same place, when the wait is over
            later = (MONDAY + timedelta(seconds=30)).isoformat()
            pages = serving.enter_context(served(project, "--now", later, "--port", str(pages.port)))
            phone.press("Subscribe")
        phone.look("asked")
        assert "Look for our mail" in phone.page.inner_text("main")
        eventually(lambda: len(project.mails(EVE)) == 1)
        phone.open(link(project.mails(EVE)[0], "confirm"))
        phone.look("confirm")
        phone.press("Confirm")
        phone.look("confirmed")
        assert "You are subscribed" in phone.page.inner_text("main")
        project.run(MONDAY)
        assert project.read(EVE)[1:] == [["py"]]
        phone.open(link(project.mails(EVE)[1], "preferences"))
        phone.look("preferences")
        phone.page.get_by_label("Python").uncheck()
        phone.page.get_by_label("Databases").check()
        phone.press("Save")
        assert "Saved." in phone.page.inner_text("main")
        phone.look("saved")
        fresh = [article(key, tags=(tag,), at=MONDAY) for key, tag in (("py2", "python"), ("db2", "databases"))]
        project.offer(article("py"), *fresh)
        project.run(MONDAY + WEEK)
        assert project.read(EVE)[2] == ["db2"]
        for path, name in (("/archive", "archive"), ("/archive/weekly", "issues"), ("/nothing", "error")):
            phone.open(path)
            phone.faults = [fault for fault in phone.faults if "404" not in fault]
            phone.look(name)
        phone.open(link(project.mails(EVE)[2], "unsubscribe"))
        phone.look("unsubscribe")
        answer = pages.ask("POST", one_click_address(project.mails(EVE)[2]), ONE_CLICK)
        assert (answer.status, answer.text) == (200, "You are unsubscribed.\n")
        phone.open(link(project.mails(EVE)[2], "unsubscribe"))
        phone.look("unsubscribed")
        phone.context.close()
    project.offer(article("py"), *fresh, article("db3", tags=("databases",), at=MONDAY + WEEK))
    project.run(MONDAY + 2 * WEEK)
    assert len(project.mails(EVE)) == 3
    assert project.read("other@x.example")[-1] == ["db3"]

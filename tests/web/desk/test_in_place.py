"""In a browser: what a button changes is seen in place, and what others do is told; nothing moves, and nothing that is typed is lost."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page

from tests.rendering.looking import needs_browser
from tests.web.conftest import Pages
from tests.web.desk.browsing import served, sign_in, visiting
from tests.web.desk.conftest import ADA, EDDY, come_in
from tests.web.desk.issue import AT, Draft

pytestmark = [pytest.mark.browser, needs_browser, pytest.mark.sqlite]

SHIFTS = """new PerformanceObserver((seen) => {
  for (const one of seen.getEntries()) window.shifted = (window.shifted ?? 0) + one.value;
}).observe({ type: "layout-shift", buffered: true })"""


def places(page: Page) -> list[int]:
    """Where what one looks at stands: the frame, and how far the page is scrolled."""
    box = page.locator("#frame").bounding_box()
    assert box is not None
    return [round(box["x"]), round(box["width"]), round(box["height"]), *page.evaluate("[scrollX, scrollY]")]


def test_nothing_is_loaded_anew_moves_or_loses_the_focus(drafted: Pages, chromium: Browser) -> None:
    with served(drafted) as at, visiting(chromium, at) as (page, complaints):
        sign_in(page, at, drafted, EDDY)
        page.goto(f"{at}{AT}")
        page.evaluate("window.same = true")
        page.evaluate(SHIFTS)
        page.locator("#note summary").click()
        page.get_by_label("What you say above").fill("Half a sent")
        page.get_by_role("button", name="Up Alpha").focus()
        before = places(page)
        page.keyboard.press("Enter")
        page.get_by_text("moved “Alpha”").first.wait_for()
        page.frame_locator("#frame iframe").get_by_role("heading", name="Alpha").wait_for()
        assert page.evaluate("document.activeElement.textContent") == "Down Alpha"
        assert page.get_by_label("What you say above").input_value() == "Half a sent"
        assert places(page) == before
        page.get_by_role("link", name="Dark, inverted").click()
        page.get_by_text("as some programs do").wait_for()
        assert page.evaluate("[window.same, location.search]") == [True, "?mode=inverted"]
        page.go_back()
        page.get_by_text("as some programs do").wait_for(state="detached")
        assert page.evaluate("window.same")
        assert page.evaluate("window.shifted ?? 0") < 0.1  # rows change places; what is good by the measure's own scale
        assert complaints == []


def test_two_editors_see_what_the_other_does_and_overwrite_nothing(drafted: Pages, chromium: Browser) -> None:
    ada = Draft(drafted, come_in(drafted, ADA))
    with served(drafted) as at, visiting(chromium, at) as (page, complaints):
        sign_in(page, at, drafted, EDDY)
        page.goto(f"{at}{AT}")
        page.locator("#note summary").click()
        page.get_by_label("What you say above").fill("From Eddy.")
        ada.browser.get(f"{AT}/news")
        ada.change("note", note="From Ada.")
        news = page.locator("#told-news")
        news.get_by_text("wrote a note above the articles, 09:00").wait_for()
        assert ADA in news.inner_text()
        page.get_by_text(f"Also here: {ADA}").wait_for()
        page.get_by_role("button", name="Save the note").press("Enter")
        page.get_by_text("Nothing was changed: somebody was there before you.").wait_for()
        assert page.get_by_label("What you say above").input_value() == "From Ada."
        assert "From Eddy." in page.locator("#notices").inner_text()
        page.get_by_role("button", name="Close").click()
        ada.change(f"exclude {ada.number('Delta')}")
        news.get_by_role("button", name="Show").press("Enter")
        page.get_by_role("button", name="Put back Delta").wait_for()
        assert page.locator("#told-news").inner_text() == ""
        page.get_by_label("What you say above").fill("From both.")
        page.get_by_role("button", name="Save the note").press("Enter")
        page.frame_locator("#frame iframe").get_by_text("From both.").wait_for()
        assert [one for one in complaints if "409" not in one] == []
    assert ada.content.note is not None
    assert (ada.content.note.markdown, ada.issue.revision) == ("From both.", 4)


def test_buttons_that_are_pressed_fast_are_all_heeded(drafted: Pages, chromium: Browser) -> None:
    draft = Draft(drafted, come_in(drafted, EDDY))
    with served(drafted) as at, visiting(chromium, at) as (page, complaints):
        sign_in(page, at, drafted, EDDY)
        page.goto(f"{at}{AT}")
        page.evaluate("""() => {
            for (const name of ["Leave out Delta", "Leave out Gamma", "Pin Alpha"]) {
                [...document.querySelectorAll("button")].find((one) => one.textContent === name).click();
            }
        }""")
        page.get_by_role("button", name="Unpin Alpha").wait_for()
        page.get_by_role("button", name="Put back Gamma").wait_for()
        assert (draft.issue.revision, draft.titles()) == (4, ["Alpha", "Epsilon", "Beta"])
        assert complaints == []

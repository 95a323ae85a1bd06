"""From the sign-in to the approval by the keyboard alone: with Tab, Enter, space and letters, and always seeing where one is."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Locator, Page

from digest.app.carrying import send_letters
from digest.issues.lifecycle import IssueState
from tests.rendering.looking import needs_browser
from tests.web.conftest import Pages
from tests.web.desk.browsing import served, visiting
from tests.web.desk.conftest import EDDY, come_in
from tests.web.desk.issue import Draft

pytestmark = [pytest.mark.browser, needs_browser, pytest.mark.sqlite]

# Where one is: an outline around it, in the window, and nothing over it.
SEEN = """() => {
  const here = document.activeElement, style = getComputedStyle(here), box = here.getBoundingClientRect();
  const over = document.elementFromPoint(box.left + Math.min(box.width, 300) / 2, box.top + box.height / 2);
  return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 && box.top >= 0 && box.bottom <= innerHeight
    && over !== null && (here === over || here.contains(over) || over.contains(here));
}"""


def to(page: Page, wanted: Locator, most: int = 150) -> None:
    """Press Tab until one is there."""
    wanted.wait_for()
    for _ in range(most):
        page.keyboard.press("Tab")
        if wanted.evaluate("one => one === document.activeElement"):
            assert page.evaluate(SEEN), f"one does not see that one is at {wanted}"
            return
    raise AssertionError(f"no key leads to {wanted}")


def press(page: Page, role: str, name: str) -> None:
    """Go to a button or a link, and use it."""
    to(page, page.get_by_role("link" if role == "link" else "button", name=name, exact=False).first)
    page.keyboard.press("Enter")


@pytest.mark.proof  # some hundred keys; the journey goes the same way by the buttons' own names
def test_from_the_sign_in_to_the_approval_nobody_needs_a_mouse(drafted: Pages, chromium: Browser) -> None:
    with served(drafted) as at, visiting(chromium, at) as (page, complaints):
        page.goto(f"{at}/editor")
        to(page, page.get_by_label("Your address"))
        page.keyboard.type(EDDY)
        press(page, "button", "Send me a link")
        page.get_by_role("heading", name="Look for the mail").wait_for()
        send_letters(drafted.app_now())
        (mail,) = drafted.project.mails(EDDY)
        page.goto(at + drafted.link_in(mail, "editor/sign-in"))
        press(page, "button", "Come in")
        press(page, "link", "Backend Weekly")
        press(page, "button", "Leave out Delta")
        page.get_by_role("button", name="Put back Delta").wait_for()
        press(page, "button", "Up Alpha")
        page.get_by_role("button", name="Unpin Alpha").wait_for()
        to(page, page.locator("#note summary"))
        page.keyboard.press("Enter")
        to(page, page.get_by_label("What you say above"))
        page.keyboard.type("Good morning.")
        press(page, "button", "Save the note")
        page.frame_locator("iframe").get_by_text("Good morning.").wait_for()
        press(page, "button", "Approve revision 4")
        page.get_by_text("Approved by").wait_for()
        assert complaints == []
    assert Draft(drafted, come_in(drafted, EDDY)).issue.state is IssueState.APPROVED


def test_who_comes_by_keyboard_need_not_go_through_the_bar_on_every_page(drafted: Pages, chromium: Browser) -> None:
    with served(drafted) as at, visiting(chromium, at) as (page, _):
        page.goto(f"{at}/editor/sign-in")
        page.keyboard.press("Tab")
        assert page.evaluate(SEEN)
        page.keyboard.press("Enter")
        page.wait_for_url("**#main")  # the browser needs a moment for it; where it does not come, this fails

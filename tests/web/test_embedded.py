"""A publisher's own page in a real browser: the copied form, and ours in a frame, on another site than the pages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, Route

from digest.app.carrying import send_letters
from tests.journeys.project import Project
from tests.rendering.looking import needs_browser
from tests.web.conftest import HOST, Pages, pages_of
from tests.web.test_embedding import snippet
from tests.web.test_subscribing import EVE

pytestmark = [pytest.mark.browser, needs_browser, pytest.mark.sqlite]
SHOP, OTHER = "https://www.backend.example", "https://www.another.example"


@contextmanager
def visiting(chromium: Browser, pages: Pages, html: str, *, script: bool = True) -> Iterator[Page]:
    """A browser for which two sites show `html`, and the pages' host is answered by the pages; nobody else is asked."""

    def answer(route: Route) -> None:
        request = route.request
        if request.url.startswith((SHOP, OTHER)):
            route.fulfill(body=f"<!doctype html><title>Shop</title>{html}", content_type="text/html; charset=utf-8")
        elif request.url.startswith(HOST):
            kept = {name: value for name, value in request.headers.items() if name in ("content-type", "accept-language")}
            found = pages.client.request(request.method, request.url, content=request.post_data_buffer, headers=kept)
            route.fulfill(status=found.status_code, body=found.content, headers=dict(found.headers))
        else:
            route.abort()

    context = chromium.new_context(java_script_enabled=script, viewport={"width": 360, "height": 800}, locale="en-GB")
    context.route("**/*", answer)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("script", [True, False])
def test_from_the_copied_form_to_a_mail(project: Project, chromium: Browser, script: bool) -> None:
    with pages_of(project) as pages, visiting(chromium, pages, snippet(pages), script=script) as page:
        page.goto(SHOP)
        page.get_by_label("Your e-mail address").fill(EVE)
        page.get_by_role("button", name="Subscribe").click()
        page.wait_for_url(f"{HOST}/subscribe")
        assert "One more step" in page.inner_text("main")
        assert page.get_by_label("Your e-mail address").input_value() == EVE
        if not script:
            pages.times.append(pages.times[-1].replace(minute=1))
        page.get_by_role("button", name="Subscribe").click()
        page.get_by_role("heading", name="Look for our mail").wait_for()
        assert send_letters(pages.app_now()) == 1


def test_in_a_frame_nobody_leaves_the_page_and_other_sites_have_no_frame(project: Project, chromium: Browser) -> None:
    allowed = {"DIGEST_PAGES__FRAMED_BY": f'["{SHOP}"]'}
    with pages_of(project, **allowed) as pages, visiting(chromium, pages, snippet(pages, "frame")) as page:
        page.goto(SHOP)
        frame = page.frame_locator("iframe")
        frame.get_by_label("Your e-mail address").fill(EVE)
        frame.get_by_role("button", name="Subscribe").click()
        frame.get_by_role("heading", name="Look for our mail").wait_for()
        assert page.url.startswith(SHOP)
        assert send_letters(pages.app_now()) == 1
        page.goto(OTHER)
        page.wait_for_timeout(300)
        assert page.frame_locator("iframe").get_by_label("Your e-mail address").count() == 0

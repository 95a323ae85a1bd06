"""Every door of the desk that is opened, in a real browser: light and dark, wide, on a tablet and narrow. Nothing is wrong with any."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.journeys.project import MONDAY, WEEK, Project
from tests.rendering.judges import needs_judges
from tests.rendering.looking import needs_browser
from tests.web.conftest import Pages, pages_of
from tests.web.desk.browsing import served, visiting
from tests.web.desk.conftest import ADA, EDDY, EVERYBODY
from tests.web.desk.examples import EXAMPLES, Example, addresses, busy, session_of, set_up
from tests.web.desk.judging import faults_of_loading, faults_of_looks

pytestmark = [pytest.mark.sqlite, pytest.mark.browser, needs_browser, pytest.mark.judges, needs_judges]

PICTURES = os.environ.get("DIGEST_TEST_PICTURES")
"""A folder where pictures of the pages are left for who wants to look at them."""
WIDTHS = {"wide": 1280, "tablet": 820, "narrow": 375}
QUICK = ("/editor", "/editor/issues/{newsletter}/{number}")


@pytest.fixture
def pages(project: Project) -> Iterator[Pages]:
    set_up(project)
    with pages_of(project, MONDAY + WEEK, **EVERYBODY) as made:
        busy(made)
        yield made


def test_the_pages_that_everybody_meets_are_well_on_a_phone_at_night(pages: Pages, chromium: Browser) -> None:
    found = {path: EXAMPLES[path] for path in QUICK}
    assert faults_in(pages, chromium, found, "narrow", ("dark",)) == []


@pytest.mark.proof
@pytest.mark.parametrize("width", WIDTHS)
def test_every_page_is_well_in_every_width_light_and_dark(pages: Pages, chromium: Browser, width: str) -> None:
    assert faults_in(pages, chromium, EXAMPLES, width, ("light", "dark")) == []


def faults_in(
    pages: Pages, chromium: Browser, examples: dict[str, Example], width: str, modes: tuple[str, ...]
) -> list[tuple[str, object]]:
    """What is wrong with these, by address."""
    faults: list[tuple[str, object]] = []
    size = {"viewport": {"width": WIDTHS[width], "height": 900}, "color_scheme": modes[0]}
    with served(pages) as at:
        for who in dict.fromkeys(one.who for one in examples.values() if one.is_page):
            with visiting(chromium, at, **size) as (page, complaints):
                if who is not None:
                    page.context.add_cookies([{"name": "digest-desk", "value": session_of(pages, who), "url": at}])
                for path, example in examples.items():
                    if example.is_page and example.who == who:
                        for place in addresses(pages, path, example):
                            faults += [(place, one) for one in seen(page, at + place, f"{_name(place)}-{width}", modes)]
                            faults += [(place, one) for one in complaints]
                            complaints.clear()
    return faults


def seen(page: Page, address: str, name: str, modes: tuple[str, ...]) -> list[object]:
    """What is wrong with one page; pictures of it are left where they are wanted."""
    answer = page.goto(address)
    assert answer is not None
    faults: list[object] = [] if answer.status == 200 else [("answered with", answer.status)]
    faults += faults_of_loading(page)
    for mode in modes:
        page.emulate_media(color_scheme="dark" if mode == "dark" else "light")
        if PICTURES:
            page.screenshot(path=Path(PICTURES) / f"{name}-{mode}.png", full_page=True)
        faults += [(mode, one) for one in faults_of_looks(page)]
    return faults


def _name(place: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", re.sub(r"sign-in/.*", "enter", place).removeprefix("/editor")).strip("-") or "home"


def test_the_gallery_is_of_pages_that_somebody_may_see() -> None:
    assert {one.who for one in EXAMPLES.values()} <= {None, ADA, EDDY}

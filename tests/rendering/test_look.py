"""What only a browser can judge: width, contrast, and that a mail fetches nothing but its pictures."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, Route

from digest.rendering.assemble import fill
from digest.settings.contrast import contrast

from .looking import FAINT, needs_browser
from .sample import CONTENT, PERSONAL
from .test_assemble import rendition

PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" width="320" height="180"><rect width="320" height="180" fill="#456"/></svg>'

pytestmark = [pytest.mark.browser, needs_browser]


EVERY_WIDTH = [("en", width, mode) for width in (320, 390, 600) for mode in ("light", "dark")]
EVERY_LANGUAGE = [(language, 320, "light") for language in ("ar", "de", "es", "fr", "ja", "pt")]


@pytest.mark.parametrize(("language", "width", "mode"), EVERY_WIDTH + EVERY_LANGUAGE)
def test_the_sample_mail_fits_its_width_and_can_be_read(chromium: Browser, language: str, width: int, mode: str) -> None:
    html, _ = fill(rendition(replace(CONTENT, language=language)), PERSONAL)
    fetched = []

    def answer(route: Route) -> None:
        fetched.append(route.request.resource_type)
        route.fulfill(body=PICTURE, content_type="image/svg+xml")

    context = chromium.new_context(viewport={"width": width, "height": 800}, color_scheme="dark" if mode == "dark" else "light")
    page = context.new_page()
    page.route("**/*", answer)
    page.set_content(html)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(FAINT) == []
    assert set(fetched) <= {"image"}
    context.close()


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_a_picture_that_is_not_loaded_keeps_its_place_and_its_words_can_be_read(chromium: Browser, mode: str) -> None:
    html, _ = fill(rendition(), PERSONAL)
    context = chromium.new_context(viewport={"width": 600, "height": 800}, color_scheme="dark" if mode == "dark" else "light")
    page = context.new_page()
    page.route("**/*", lambda route: route.abort())
    page.set_content(html)
    places = page.evaluate(
        """() => [...document.images].filter(i => !i.closest('.logo')).map(i => {
          const s = getComputedStyle(i);
          return [i.alt, i.offsetHeight / i.offsetWidth, s.color, s.backgroundColor];
        })"""
    )
    assert places
    for words, ratio, colour, behind in places:
        assert words
        assert ratio == pytest.approx(9 / 16, abs=0.05)
        assert contrast(_rgb(colour), _rgb(behind)) >= 4.5
    context.close()


@pytest.mark.parametrize(("language", "begins"), [("ar", "right"), ("ja", "left"), ("de", "left")])
def test_a_mail_begins_its_lines_where_its_language_does(chromium: Browser, language: str, begins: str) -> None:
    html, _ = fill(rendition(replace(CONTENT, language=language)), PERSONAL)
    context = chromium.new_context(viewport={"width": 600, "height": 800})
    page = context.new_page()
    page.route("**/*", lambda route: route.abort())
    page.set_content(html)
    middles = page.evaluate(
        """() => ['.button a', '.links a', '.foot p:last-child', '.topic .bar', '.meta bdi'].map(one => {
          const range = document.createRange(); range.selectNodeContents(document.querySelector(one));
          const box = range.getBoundingClientRect(); return (box.left + box.right) / 2;
        })"""
    )
    assert all((middle > 300) == (begins == "right") for middle in middles), middles
    thumb = page.evaluate("(() => { const b = document.querySelector('.thumb').getBoundingClientRect(); return b.left; })()")
    assert (thumb < 300) == (begins == "right")
    context.close()


def _rgb(computed: str) -> str:
    return "#" + "".join(f"{int(part):02x}" for part in re.findall(r"\d+", computed)[:3])

"""Every page looks as it should, to eyes, to fingers and to whoever reads it aloud: light and dark, narrow and wide."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route

from tests.journeys.project import Project
from tests.rendering.judges import AXE, html_findings, needs_judges
from tests.rendering.looking import FAINT, needs_browser
from tests.web.conftest import HOST, Pages, pages_of
from tests.web.every_page import every_page, prepare

PICTURES = os.environ.get("DIGEST_TEST_PICTURES")
"""A folder where pictures of the pages are left for who wants to look at them."""
FRAMED = {"DIGEST_PAGES__FRAMED_BY": '["https://www.backend.example"]'}

VIOLATIONS = """async () => (await axe.run(document)).violations
  .map(found => [found.id, found.nodes.map(node => node.html.slice(0, 200))])"""
# A link within a sentence, and a field beside its label, are as high as their line: WCAG 2.5.8 excepts them.
SMALL = """() => [...document.querySelectorAll('button, select, input:not([type=hidden], [type=checkbox], [type=radio]), label.choice')]
  .filter(one => one.getClientRects().length && !one.closest('.trap') && one.getBoundingClientRect().height < 40)
  .map(one => one.outerHTML.slice(0, 100))"""
# What pages do and html-validate would have otherwise: none of it is anything that a reader meets. Boxes of one name are what forms
# send lists by.
AS_WE_DO = ("no-trailing-whitespace", "void-style", "doctype-style", "long-title", "form-dup-name")


@pytest.fixture
def pages(project: Project) -> Iterator[Pages]:
    prepare(project)
    with pages_of(project, **FRAMED) as made:
        yield made


@pytest.mark.judges
@needs_judges
@pytest.mark.sqlite
def test_every_page_is_valid_html(pages: Pages, tmp_path: Path) -> None:
    folder = tmp_path / "judged"
    folder.mkdir()
    found = every_page(pages)
    assert len(found) > 35
    assert html_findings(found, folder, AS_WE_DO) == []


@pytest.mark.proof  # half a minute each; the journey in a browser looks at the pages that everybody meets
@pytest.mark.browser
@needs_browser
@pytest.mark.sqlite
@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_every_page_can_be_read_by_everybody(pages: Pages, chromium: Browser, mode: str, width: int) -> None:
    found = every_page(pages)
    context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme="dark" if mode == "dark" else "light")
    page = context.new_page()
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    context.route("**/*", lambda route: _answer(pages, found, route))
    wrong = {name: said for name in found if (said := _look(page, name, f"{name}-{mode}-{width}", width))}
    context.close()
    assert (wrong, faults) == ({}, [])


def _answer(pages: Pages, found: dict[str, str], route: Route) -> None:
    path = route.request.url.removeprefix(HOST)
    if path.startswith("/page/"):
        policy = pages.client.get("/subscribe").headers["content-security-policy"]
        headers = {"content-type": "text/html; charset=utf-8", "content-security-policy": policy}
        route.fulfill(body=found[path.removeprefix("/page/")], headers=headers)
    elif path.startswith("/static/"):
        answer = pages.client.get(path)
        route.fulfill(body=answer.content, headers=dict(answer.headers))
    else:
        route.abort()


def _look(page: Page, name: str, picture: str, width: int) -> str:
    page.goto(f"{HOST}/page/{name}")
    if PICTURES:
        page.screenshot(path=str(Path(PICTURES) / f"{picture}.png"), full_page=True)
    said: list[object] = []
    if page.evaluate("document.documentElement.scrollWidth") > width:
        said.append("wider than the screen")
    said += page.evaluate(FAINT)
    said += page.evaluate(SMALL)
    if AXE.exists():
        page.evaluate(AXE.read_text(encoding="utf-8"))
        said += page.evaluate(VIOLATIONS)
    return json.dumps(said) if said else ""

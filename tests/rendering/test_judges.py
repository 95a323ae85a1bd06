"""What judges from outside say of every mail that ships: html-validate, and axe-core in light and dark. Nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from .judges import AXE, as_outlook_reads, html_findings, needs_judges
from .looking import a_page, needs_browser
from .mails import FAMILIES, SCENES, every_mail

pytestmark = [pytest.mark.judges, pytest.mark.proof, needs_judges]

# MJML has no <main>, and a mail is a part of a page that is not ours.
_AXE = """async () => (await axe.run(document, {rules: {region: {enabled: false}, 'landmark-one-main': {enabled: false}}}))
  .violations.map(found => `${found.id}: ${found.nodes[0].html.slice(0, 120)}`)"""


def accessibility(page: Page, html: str) -> list[str]:
    page.set_content(html)
    page.add_script_tag(path=str(AXE))
    found: list[str] = []
    for mode in ("light", "dark"):
        page.emulate_media(color_scheme=mode)
        found += (f"{mode}: {one}" for one in page.evaluate(_AXE))
    return found


def test_html_validate_finds_nothing_in_any_mail_as_it_is_and_as_outlook_reads_it(tmp_path: Path) -> None:
    mails = every_mail()
    outlook = {f"{name}-outlook": as_outlook_reads(html) for name, html in mails.items()}
    assert html_findings(mails | outlook, tmp_path) == []


def test_html_validate_does_find_what_is_wrong(tmp_path: Path) -> None:
    head = '<!DOCTYPE html>\n<html lang="en"><head><title>x</title></head><body>'
    conditional = "<!--[if mso | IE]><table><tr><td><![endif]--><p>x</p><!--[if mso | IE]></td></tr><![endif]-->"
    plain = f"{head}{conditional}</body></html>"
    mails = {"wrong": f"{head}<p>x</div></body></html>", "plain": plain, "outlook": as_outlook_reads(plain)}
    assert {one.partition(": ")[0] for one in html_findings(mails, tmp_path)} == {"wrong", "outlook"}


@pytest.mark.browser
@needs_browser
@pytest.mark.parametrize("family", [*FAMILIES, "own"])
def test_axe_finds_nothing_in_any_mail_in_light_and_dark(chromium: Browser, family: str) -> None:
    wanted = [f"{family}-{slug}" for slug in (*SCENES, "themed") if slug != "fifty"]
    own = [name for name in every_mail() if not name.startswith(FAMILIES)]
    with a_page(chromium) as page:
        found = {name: accessibility(page, every_mail()[name]) for name in (own if family == "own" else wanted)}
    assert {name: said for name, said in found.items() if said} == {}


@pytest.mark.browser
@needs_browser
def test_axe_does_find_what_is_wrong(chromium: Browser) -> None:
    dark = "<style>@media (prefers-color-scheme: dark) { p { color: #333; background: #222 } }</style>"
    with a_page(chromium) as page:
        found = accessibility(page, f"<!doctype html><html lang='en'><title>x</title>{dark}<p>words</p><img src='x'></html>")
    assert [one.partition(":")[0] for one in found if "image-alt" in one] == ["light", "dark"]
    assert [one.partition(":")[0] for one in found if "color-contrast" in one] == ["dark"]

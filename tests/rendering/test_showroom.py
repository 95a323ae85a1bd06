"""Every family with every issue of the showroom: what a browser measures, and pictures that were looked at."""

from __future__ import annotations

import base64
import os
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page

from digest.insights.showroom_page import WIDTHS
from digest.rendering.content import SponsorContent

from .looking import FAINT, HEADINGS, SMALL, a_page, needs_browser
from .mails import FAMILIES, SCENES, THEME, issue_mail, mail_of, own_mail

pytestmark = [pytest.mark.browser, needs_browser]

GOLDEN = Path(__file__).parent / "golden"
_DRAWN = "<svg xmlns='http://www.w3.org/2000/svg' width='640' height='360'><rect width='640' height='360' fill='#47697f'/><circle cx='200' cy='150' r='90' fill='#9fb9c9'/></svg>"
_ADDRESS = re.compile(r'https://pictures\.backend\.example/[^"]*')

# The mean difference of two pictures in tiles of eight pixels, 0 to 255, and the share of tiles that differ visibly.
_COMPARE = """async ([one, other]) => {
  const pixels = async (address) => {
    const picture = new Image(); picture.src = address; await picture.decode();
    const canvas = document.createElement('canvas');
    canvas.width = Math.round(picture.width / 8); canvas.height = Math.round(picture.height / 8);
    const drawn = canvas.getContext('2d'); drawn.imageSmoothingQuality = 'high';
    drawn.drawImage(picture, 0, 0, canvas.width, canvas.height);
    return [canvas.width, canvas.height, drawn.getImageData(0, 0, canvas.width, canvas.height).data];
  };
  const [[w, h, a], [v, g, b]] = [await pixels(one), await pixels(other)];
  if (w !== v || h !== g) return [255, 1];
  let sum = 0, seen = 0;
  for (let i = 0; i < a.length; i += 4) {
    const apart = (Math.abs(a[i] - b[i]) + Math.abs(a[i + 1] - b[i + 1]) + Math.abs(a[i + 2] - b[i + 2])) / 3;
    sum += apart; seen += apart > 24;
  }
  return [sum / (a.length / 4), seen / (a.length / 4)];
}"""
# A machine with other fonts breaks lines elsewhere: its pictures cannot be compared.
_FONTS = """() => ["'DejaVu Sans'", "'DejaVu Serif'"].map(font => {
  const drawn = document.createElement('canvas').getContext('2d'); drawn.font = `100px ${font}, monospace`;
  return Math.round(drawn.measureText('Handgloves مرحبا').width);
})"""


@pytest.mark.proof
@pytest.mark.parametrize("slug", [slug for slug in SCENES if slug != "fifty"])
@pytest.mark.parametrize("family", FAMILIES)
def test_every_mail_fits_every_width_and_can_be_read_and_touched(chromium: Browser, family: str, slug: str) -> None:
    with a_page(chromium) as page:
        page.set_content(issue_mail(family, slug)[0])
        for mode in ("light", "dark"):
            page.emulate_media(color_scheme=mode)
            assert page.evaluate(FAINT) == []
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.evaluate(SMALL) == []


@pytest.mark.parametrize("family", FAMILIES)
def test_a_theme_can_be_read_in_both_modes_and_has_a_logo_for_each(chromium: Browser, family: str) -> None:
    scene = SCENES["en"]
    sponsor = SponsorContent("A sponsor", "https://a.example", "Pays.", "https://pictures.backend.example/s.png", "A sign")
    html, _ = mail_of(family, replace(scene.content, theme=THEME, sponsor=sponsor), scene)
    with a_page(chromium) as page:
        page.set_content(html)
        for mode, logo in (("light", "day.png"), ("dark", "night.png")):
            page.emulate_media(color_scheme=mode)  # type: ignore[arg-type]  # one of its two words
            assert page.evaluate(FAINT) == []
            seen = page.evaluate(
                "() => [...document.querySelectorAll('.logo img')].filter(i => i.getClientRects().length).map(i => i.src)"
            )
            assert [address.rpartition("/")[2] for address in seen] == [logo]
        assert page.evaluate("getComputedStyle(document.querySelector('h1')).fontFamily") == '"DejaVu Serif", serif'
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(26, 18, 8)"


@pytest.mark.parametrize("family", FAMILIES)
def test_nothing_shows_white_in_dark_mode(chromium: Browser, family: str) -> None:
    with a_page(chromium, mode="dark") as page:
        page.set_content(issue_mail(family, "pictures-off")[0])
        brightest = page.evaluate(
            "() => Math.max(...[...document.querySelectorAll('body, body *')].map(e => getComputedStyle(e).backgroundColor.match(/[\\d.]+/g).map(Number))"
            ".filter(c => c[3] !== 0).map(c => Math.max(c[0], c[1], c[2])))"
        )
        assert brightest <= 160


@pytest.mark.parametrize("family", FAMILIES)
def test_headings_begin_with_one_title_and_leave_no_level_out(chromium: Browser, family: str) -> None:
    with a_page(chromium) as page:
        page.set_content(issue_mail(family, "en")[0])
        levels = page.evaluate(HEADINGS)
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in zip([0, *levels], levels, strict=False))


def test_the_cards_of_a_magazine_stand_in_two_columns_where_there_is_room_and_a_lone_one_fills_its_row(chromium: Browser) -> None:
    with a_page(chromium) as page:
        page.set_content(issue_mail("magazine", "mixed")[0])
        lefts = "() => [...document.querySelectorAll('.tile')].map(t => [Math.round(t.getBoundingClientRect().left), Math.round(t.getBoundingClientRect().width)])"
        assert page.evaluate(lefts) == [[0, 300], [300, 300], [0, 600], [0, 300], [300, 300]]
        page.set_viewport_size({"width": 414, "height": 800})
        assert page.evaluate(lefts) == [[0, 414]] * 5


def _pictures() -> dict[str, tuple[str, int, str]]:
    """Golden pictures by name: the mail, its width, and the mode."""
    themed = {family: mail_of(family, replace(SCENES["en"].content, theme=THEME), SCENES["en"])[0] for family in FAMILIES}
    turned = mail_of("magazine", replace(SCENES["ar"].content, theme=THEME), SCENES["ar"])[0]
    return {
        "weekly": (themed["weekly"], 600, "light"),
        "weekly-dark-phone": (themed["weekly"], 375, "dark"),
        "brief": (themed["brief"], 375, "light"),
        "magazine-dark": (themed["magazine"], 600, "dark"),
        "magazine-arabic": (turned, 600, "light"),
        "welcome": (
            own_mail("Welcome", "de").html.replace("-apple-system", "DejaVu Sans").replace("Georgia", "DejaVu Serif"),
            375,
            "light",
        ),
    }


@pytest.mark.parametrize("name", ["weekly", "weekly-dark-phone", "brief", "magazine-dark", "magazine-arabic", "welcome"])
def test_a_mail_looks_as_it_did_when_it_was_looked_at(chromium: Browser, name: str) -> None:
    html, width, mode = _pictures()[name]
    golden, fonts = GOLDEN / f"look.{name}.png", GOLDEN / "look.fonts.txt"
    with a_page(chromium, width, mode) as page:
        page.set_content(_ADDRESS.sub("data:image/svg+xml," + quote(_DRAWN), html))
        measured = str(page.evaluate(_FONTS))
        taken = page.screenshot(full_page=True)
        if os.environ.get("UPDATE_GOLDEN"):
            golden.write_bytes(taken)
            fonts.write_text(measured, "utf-8")
        if measured != fonts.read_text("utf-8"):
            pytest.skip("other fonts than those of the golden pictures")
        apart, share = _apart(page, taken, golden.read_bytes())
    assert apart < 3, f"{name} differs by {apart:.1f} of 255 on average"
    assert share < 0.02, f"{share:.1%} of {name} looks different"


def test_a_picture_of_another_mail_is_told_apart(chromium: Browser) -> None:
    with a_page(chromium, 375) as page:
        page.set_content(issue_mail("brief", "en")[0])
        one = page.screenshot(clip={"x": 0, "y": 0, "width": 375, "height": 800})
        page.set_content(issue_mail("brief", "de")[0])
        other = page.screenshot(clip={"x": 0, "y": 0, "width": 375, "height": 800})
        assert _apart(page, one, one) == [0, 0]
        assert _apart(page, one, other)[1] > 0.02


def _apart(page: Page, one: bytes, other: bytes) -> list[float]:
    addresses = ["data:image/png;base64," + base64.b64encode(picture).decode() for picture in (one, other)]
    page.set_content("<!doctype html>")
    found: list[float] = page.evaluate(_COMPARE, addresses)
    return found

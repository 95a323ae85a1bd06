"""The colours of elements, as inline styles, attributes and plain rules say."""

from __future__ import annotations

import pytest

from digest.checks.page import read_page
from digest.checks.styles import Styles, as_hex


def colours(css: str, html: str, *, dark: bool = False) -> tuple[str | None, str | None]:
    page = read_page(f"<html><head><style>{css}</style></head><body>{html}</body></html>")
    return Styles(page).colours(next(page.all("i")), dark=dark)


@pytest.mark.parametrize(
    ("css", "html", "expected"),
    [
        ("", "<i>a</i>", ("#000000", "#ffffff")),
        ("", '<i style="color:#123; background:#456789">a</i>', ("#112233", "#456789")),
        ("", '<table bgcolor="#eeeeee"><tr><td><i>a</i></td></tr></table>', ("#000000", "#eeeeee")),
        ("i { color: red }", "<i>a</i>", ("#ff0000", "#ffffff")),
        ("i { color: red }", '<i style="color: black">a</i>', ("#000000", "#ffffff")),
        ("i { color: red !important }", '<i style="color: black">a</i>', ("#ff0000", "#ffffff")),
        (".x i { color: red } i { color: white }", '<p class="x"><i>a</i></p>', ("#ff0000", "#ffffff")),
        (".x > i { color: red }", '<p class="x"><b><i>a</i></b></p>', ("#000000", "#ffffff")),
        ("p.x > i, q { color: red }", '<p class="y x"><i>a</i></p>', ("#ff0000", "#ffffff")),
        ("#x.y i { color: red } .y i.z { color: white }", '<p id="x" class="y"><i class="z">a</i></p>', ("#ff0000", "#ffffff")),
        ("i { color: red } i { color: white }", "<i>a</i>", ("#ffffff", "#ffffff")),
        ("i:hover { color: red } i[x] { color: red } b + i { color: red }", "<b>b</b><i x=1>a</i>", ("#000000", "#ffffff")),
        ("/* i { color: red } */", "<i>a</i>", ("#000000", "#ffffff")),
        ("@media (max-width: 479px) { i { color: red } }", "<i>a</i>", ("#000000", "#ffffff")),
        ("@media (prefers-color-scheme: dark) { i { color: red } }", "<i>a</i>", ("#000000", "#ffffff")),
        ("", '<p style="color:#123456"><i style="color:inherit">a</i></p>', ("#123456", "#ffffff")),
        ("", '<p style="background:#123456"><i style="background:transparent">a</i></p>', ("#000000", "#123456")),
        ("", '<i style="color:rgba(0,0,0,.5)">a</i>', (None, "#ffffff")),
    ],
)
def test_the_last_word_of_the_cascade_counts(css: str, html: str, expected: tuple[str | None, str | None]) -> None:
    assert colours(css, html) == expected


def test_in_dark_mode_its_rules_come_in() -> None:
    css = "i { color: red } @media (prefers-color-scheme: dark) { i { color: white !important } p { background: #000 } }"
    assert colours(css, "<p><i style='color:black'>a</i></p>", dark=True) == ("#ffffff", "#000000")


@pytest.mark.parametrize(
    ("text", "colour"), [("#ABC", "#aabbcc"), ("rgb(1, 2, 300)", "#0102ff"), (" White ", "#ffffff"), ("papayawhip", None)]
)
def test_colours_are_written_one_way(text: str, colour: str | None) -> None:
    assert as_hex(text) == colour

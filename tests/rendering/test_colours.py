from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from digest.rendering.colours import shades
from digest.settings.contrast import contrast


@settings(max_examples=200, deadline=None, derandomize=True, print_blob=True)
@given(st.from_regex("#[0-9a-f]{6}", fullmatch=True))
def test_whatever_the_site_colour_is_its_shades_can_be_read(colour: str) -> None:
    made = shades(colour)
    for ground in (made.sheet, made.page):
        assert contrast(made.accent, ground) >= 4.5
    for ground in (made.sheet_dark, made.page_dark):
        assert contrast(made.accent_dark, ground) >= 4.5
    assert contrast(made.on_accent, made.accent) >= 4.5
    assert contrast(made.on_accent_dark, made.accent_dark) >= 4.5


def test_a_colour_that_can_be_read_already_is_kept() -> None:
    assert shades("#0b6e6e").accent == "#0b6e6e"


def test_black_and_white_have_the_greatest_contrast() -> None:
    assert round(contrast("#000000", "#ffffff"), 2) == 21.0

"""The theme: what it is made of, and that what cannot be read is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.errors import UsageError
from digest.settings.contrast import contrast, ink_on, readable
from digest.settings.theme import BODY_FONT, Dark, Light, Theme, check_theme, palette_of
from tests.settings.conftest import Project

colours = st.from_regex("#[0-9a-f]{6}", fullmatch=True)


def refused(project: Project, more: str) -> str:
    project.write(more)
    with pytest.raises(UsageError) as raised:
        project.read()
    return str(raised.value)


def test_a_pair_that_cannot_be_read_is_refused_with_its_ratio(project: Project) -> None:
    said = refused(project, "[theme.light]\nmuted = '#999999'\n")
    assert "digest.toml: theme.light: `muted` #999999 on `sheet` #ffffff has a contrast of 2.84:1" in said
    assert "`muted` #999999 on `page` #f1f0ec has a contrast of 2.49:1; 4.5:1 is needed" in said


def test_dark_mode_is_held_to_the_same(project: Project) -> None:
    said = refused(project, "[theme.dark]\naccent = '#0b6e6e'\n")
    assert "theme.dark: `accent` #0b6e6e on `sheet` #1d2125 has a contrast of 2.6" in said
    assert "theme.light" not in said


def test_what_is_written_on_the_accent_is_held_to_it_too(project: Project) -> None:
    assert "`on_accent` #111111 on `accent` #0b6e6e has a contrast of" in refused(
        project, "[theme.light]\non_accent = '#111111'\n"
    )


def test_a_ratio_is_never_rounded_up_to_what_is_needed() -> None:
    with pytest.raises(ValueError, match=r"a contrast of 4\.4[0-9]:1"):
        check_theme(Theme(light=Light(muted="#777777", page="#ffffff")), "#0b6e6e")


@given(colours)
def test_whatever_the_site_s_colour_is_the_theme_without_more_can_be_read(colour: str) -> None:
    check_theme(Theme(), colour)


@given(colours)
def test_one_ink_can_always_be_read(colour: str) -> None:
    assert contrast(ink_on(colour), colour) >= 4.5


@given(colours)
def test_words_in_place_of_a_picture_can_be_read_and_drawings_in_black_or_white_are_seen_in_dark_mode(colour: str) -> None:
    for scheme in (Light(), Dark()):
        palette = palette_of(scheme, colour)
        assert contrast(palette.on_well, palette.well) >= 4.5
    assert contrast("#000000", palette_of(Dark(), colour).well) >= 3
    assert contrast("#ffffff", palette_of(Dark(), colour).well) >= 3


def test_the_site_s_colour_and_logo_serve_where_the_theme_names_none(project: Project) -> None:
    project.write("[theme.light]\naccent = '#7a1fa2'\n")
    settings = project.read()
    assert palette_of(settings.theme.light, settings.site.colour).accent == "#7a1fa2"
    assert palette_of(settings.theme.dark, settings.site.colour).accent == readable(settings.site.colour, "#1d2125", "#121417")


def test_fonts_are_names_with_a_fallback(project: Project) -> None:
    project.write('[theme]\nfont = "Source Sans 3, \\"Segoe UI\\" , Arial,sans-serif"\n')
    assert project.read().theme.font == "'Source Sans 3', 'Segoe UI', Arial, sans-serif"
    assert Theme().font == BODY_FONT


@pytest.mark.parametrize(
    ("fonts", "said"),
    [
        ("Inter", "'Inter' has no fallback: end it with a generic font, one of serif, sans-serif"),
        ("Inter; } body { display: none, serif", "is not a font's name"),
        ("url(https://x.example), serif", "is not a font's name"),
        ("Inter,,serif", "'' is not a font's name"),
    ],
)
def test_what_is_no_list_of_fonts_is_refused(project: Project, fonts: str, said: str) -> None:
    assert said in refused(project, f'[theme]\nheading_font = "{fonts}"\n')


def test_corners_have_a_bound(project: Project) -> None:
    assert "theme.radius" in refused(project, "[theme]\nradius = 41\n")

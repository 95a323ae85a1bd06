"""The colours that templates know: those of the theme, or of a site's one colour, by mode."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from digest.settings.theme import Dark, Light, Palette, palette_of


@dataclass(frozen=True, slots=True)
class Colours:
    """`colours` in a template, all '#rrggbb': for light mode by their names, for dark mode with `_dark` behind."""

    accent: str
    on_accent: str
    text: str
    muted: str
    sheet: str
    page: str
    line: str
    well: str
    on_well: str
    accent_dark: str
    on_accent_dark: str
    text_dark: str
    muted_dark: str
    sheet_dark: str
    page_dark: str
    line_dark: str
    well_dark: str
    on_well_dark: str


def colours_of(light: Palette, dark: Palette) -> Colours:
    """The colours of both modes."""
    return Colours(**asdict(light), **{f"{name}_dark": colour for name, colour in asdict(dark).items()})


def shades(colour: str) -> Colours:
    """The colours of a site that has no theme but one colour, '#rrggbb', made readable."""
    return colours_of(palette_of(Light(), colour), palette_of(Dark(), colour))

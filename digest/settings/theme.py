"""The theme: what mails look like, without touching a template. Colours that cannot be read are refused, with the pair and its ratio."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import Field

from digest.settings.contrast import READABLE, contrast, ink_on, mix, readable
from digest.settings.table import Table
from digest.settings.types import Colour, Fonts, WebAddress, Whole

BODY_FONT = "-apple-system, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"
HEADING_FONT = "Georgia, 'Times New Roman', serif"


class Light(Table):
    """Colours of mails in light mode. All text must have a contrast of 4.5:1 with what it stands on."""

    accent: Colour | None = Field(
        None, description="Links, buttons and rules; by default `site.colour`, as dark as reading needs."
    )
    on_accent: Colour | None = Field(None, description="What is written on the accent; by default white or nearly black.")
    text: Colour = Field("#22272c", description="Text and headings.")
    muted: Colour = Field("#5c656d", description="Text that matters less: dates, authors, the footer.")
    sheet: Colour = Field("#ffffff", description="What articles stand on.")
    page: Colour = Field("#f1f0ec", description="What is around the sheet, and behind notes.")
    line: Colour = Field("#dedcd6", description="Thin lines; decoration, so no contrast is asked of them.")


class Dark(Light):
    """Colours of mails in dark mode, with the same demands."""

    accent: Colour | None = Field(None, description="As in light mode; by default `site.colour`, as light as reading needs.")
    text: Colour = Field("#e9ebed", description="As in light mode.")
    muted: Colour = Field("#a3abb3", description="As in light mode.")
    sheet: Colour = Field("#1d2125", description="As in light mode.")
    page: Colour = Field("#121417", description="As in light mode.")
    line: Colour = Field("#353b41", description="As in light mode.")


class Theme(Table):
    """The look of mails."""

    logo: WebAddress | None = Field(None, description="A picture for the masthead; by default `site.logo`.")
    logo_dark: WebAddress | None = Field(
        None, description="The picture in dark mode; without one `logo` is shown there on a light ground."
    )
    font: Fonts = Field(BODY_FONT, description="The fonts of text, best first; the last is a generic one such as `sans-serif`.")
    heading_font: Fonts = Field(HEADING_FONT, description="The fonts of titles, in the same way.")
    radius: Whole = Field(6, ge=0, le=40, description="How round corners are, in pixels.")
    light: Light = Light()
    dark: Dark = Dark()


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of one mode, all '#rrggbb'. Pictures stand on `well`, and the words in place of one are `on_well`."""

    accent: str
    on_accent: str
    text: str
    muted: str
    sheet: str
    page: str
    line: str
    well: str
    on_well: str


def palette_of(scheme: Light, colour: str) -> Palette:
    """The colours of a mode, those that were not named made from the site's `colour`."""
    accent = scheme.accent or readable(colour, scheme.sheet, scheme.page)
    # In dark mode so grey that black and white drawings without a ground of their own are both seen on it.
    well = mix(scheme.sheet, scheme.text, 0.5 if isinstance(scheme, Dark) else 0.09)
    return Palette(
        accent=accent,
        on_accent=scheme.on_accent or ink_on(accent),
        text=scheme.text,
        muted=scheme.muted,
        sheet=scheme.sheet,
        page=scheme.page,
        line=scheme.line,
        well=well,
        on_well=ink_on(well),
    )


def check_theme(theme: Theme, colour: str) -> None:
    """Raise a ValueError that names every pair of colours that cannot be read, and its ratio."""
    for mode, scheme in (("light", theme.light), ("dark", theme.dark)):
        faint = list(_faint(palette_of(scheme, colour)))
        if faint:
            raise ValueError(f"theme.{mode}: {'; '.join(faint)}; {READABLE}:1 is needed to read it: set them further apart")


def _faint(palette: Palette) -> Iterator[str]:
    pairs = [(text, ground) for text in ("text", "muted", "accent") for ground in ("sheet", "page")]
    for text, ground in (*pairs, ("on_accent", "accent")):
        one, other = getattr(palette, text), getattr(palette, ground)
        ratio = contrast(one, other)
        if ratio < READABLE:
            # Rounded down: 4.498 is not 4.5.
            yield f"`{text}` {one} on `{ground}` {other} has a contrast of {int(ratio * 100) / 100:.2f}:1"

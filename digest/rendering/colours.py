"""Shades of the site's colour that can be read, whatever the site's colour is (WCAG 2.2, contrast 4.5:1)."""

from __future__ import annotations

from dataclasses import dataclass

LIGHT = "#f2f2f2"
"""The darkest background the accent is promised to be readable on in light mode."""
DARK = "#24282d"
"""The lightest background the accent is promised to be readable on in dark mode."""

_RATIO = 4.5
_INK = "#14171a"


@dataclass(frozen=True, slots=True)
class Colours:
    """The accent for each mode, and what is written upon it; all '#rrggbb'."""

    accent: str
    on_accent: str
    accent_dark: str
    on_accent_dark: str


def shades(colour: str) -> Colours:
    """The readable shades of one colour, '#rrggbb'."""
    accent = readable(colour, on=LIGHT)
    accent_dark = readable(colour, on=DARK)
    return Colours(accent, _ink_on(accent), accent_dark, _ink_on(accent_dark))


def readable(colour: str, *, on: str) -> str:
    """The colour, moved no further towards black or white than it needs for a contrast of 4.5:1."""
    towards = "#000000" if luminance(on) > 0.18 else "#ffffff"
    for step in range(51):
        mixed = _mix(colour, towards, step / 50)
        if contrast(mixed, on) >= _RATIO:
            return mixed
    return towards


def contrast(one: str, other: str) -> float:
    """WCAG's contrast ratio of two colours, 1 to 21."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    """WCAG's relative luminance, 0 to 1."""
    red, green, blue = (_linear(part / 255) for part in _parts(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _ink_on(background: str) -> str:
    return max(("#ffffff", _INK), key=lambda ink: contrast(ink, background))


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


def _mix(one: str, other: str, share: float) -> str:
    mixed = (round(a + (b - a) * share) for a, b in zip(_parts(one), _parts(other), strict=True))
    return "#" + "".join(f"{part:02x}" for part in mixed)


def _parts(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)

"""What can be read upon what: WCAG 2.2's contrast of colours, all '#rrggbb'."""

from __future__ import annotations

READABLE = 4.5
"""The least contrast of text with what is behind it."""

_INKS = ("#ffffff", "#14171a", "#000000")


def contrast(one: str, other: str) -> float:
    """WCAG's contrast ratio of two colours, 1 to 21."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    """WCAG's relative luminance, 0 to 1."""
    red, green, blue = (_linear(part / 255) for part in _parts(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def readable(colour: str, *on: str) -> str:
    """The colour, moved no further towards black or white than it needs to be read on all of these, or as far as there is."""
    towards = "#000000" if min(luminance(one) for one in on) > 0.18 else "#ffffff"
    for step in range(51):
        mixed = mix(colour, towards, step / 50)
        if all(contrast(mixed, one) >= READABLE for one in on):
            return mixed
    return towards


def ink_on(background: str) -> str:
    """White or nearly black, whichever can be read on a colour; one of them always can."""
    return max(_INKS, key=lambda ink: (contrast(ink, background) >= READABLE, ink != "#000000", contrast(ink, background)))


def mix(one: str, other: str, share: float) -> str:
    """The first colour with this share, 0 to 1, of the other."""
    mixed = (round(a + (b - a) * share) for a, b in zip(_parts(one), _parts(other), strict=True))
    return "#" + "".join(f"{part:02x}" for part in mixed)


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


def _parts(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)

"""Zones: every time zone that somebody may live in, by the part of the world, as the options of a list."""

from __future__ import annotations

from functools import cache
from zoneinfo import available_timezones

from markupsafe import Markup

_PARTS = ("Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")
_OPTION = Markup("<option>{}</option>")


def zone_options(chosen: str) -> Markup:
    """The options, with the chosen one; that stands among them, whatever it is. Made once: there are some four hundred."""
    plain, picked = _OPTION.format(chosen), Markup("<option selected>{}</option>").format(chosen)
    before, found, after = _options().partition(plain)
    return Markup("").join([before, picked, after]) if found else Markup("\n").join([picked, before])


@cache
def _options() -> Markup:
    names = sorted(available_timezones())
    groups = [
        Markup('<optgroup label="{}">\n{}\n</optgroup>').format(part, Markup("\n").join(map(_OPTION.format, theirs)))
        for part in _PARTS
        if (theirs := [name for name in names if name.startswith(f"{part}/")])
    ]
    return Markup("\n").join([_OPTION.format("UTC"), *groups])

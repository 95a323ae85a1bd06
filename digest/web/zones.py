"""Zones: every time zone that somebody may live in, by the part of the world."""

from __future__ import annotations

from functools import cache
from zoneinfo import available_timezones

_PARTS = ("Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")


@cache
def _known() -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {part: [] for part in _PARTS}
    for name in sorted(available_timezones()):
        part = name.partition("/")[0]
        if part in found:
            found[part].append(name)
    return {part: tuple(names) for part, names in found.items() if names}


def zones(chosen: str) -> dict[str, tuple[str, ...]]:
    """Names by the part of the world; "" holds UTC, and the one that is chosen where no part does."""
    known = _known()
    alone = ("UTC",) if any(chosen in names for names in known.values()) or chosen == "UTC" else ("UTC", chosen)
    return {"": alone, **known}

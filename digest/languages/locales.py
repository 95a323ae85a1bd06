"""Locales: what Babel knows of a language, its dates, numbers and direction."""

from __future__ import annotations

from functools import cache
from typing import Any


@cache
def locale_of(language: str) -> Any:
    """Babel's locale for a language tag, or for as much of it as Babel knows; English at last."""
    from babel import Locale, UnknownLocaleError  # 60 ms, which `digest --help` need not pay

    parts = language.split("-")
    for length in range(len(parts), 0, -1):
        try:
            return Locale.parse("-".join(parts[:length]), sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    return Locale("en")

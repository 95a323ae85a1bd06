"""Moments as other tools write them: ISO 8601, Go's, seconds since 1970; without a zone they are UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_GO = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,9})?) ([+-]\d{4})(?: [A-Z+\-\d]{1,6})?")
_ONLY_SECONDS = re.compile(r"\d{9,10}")


def read_moment(text: str) -> datetime | None:
    """An aware time; None where it is none, or nonsense. A day is its midnight."""
    text = text.strip()
    if not text:
        return None
    found = _iso(text) or _otherwise(text)
    if found is None or not 1990 <= found.year < 2200:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _otherwise(text: str) -> datetime | None:
    if _ONLY_SECONDS.fullmatch(text):
        return datetime.fromtimestamp(int(text), UTC)
    go = _GO.fullmatch(text)
    if go is None:
        return None
    seconds, _, parts = go[1].partition(".")
    return _iso(f"{seconds}.{(parts + '000000')[:6]}{go[2]}")

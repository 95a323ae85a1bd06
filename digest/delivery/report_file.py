"""A provider's report as a file: the JSON list it posts, or one JSON object a line."""

from __future__ import annotations

from typing import Any

import orjson

from digest.errors import UsageError


def parse_report(raw: bytes, name: str) -> list[Any]:
    """The entries of a report; a line that is not JSON is an entry too, for the reader to find fault with."""
    try:
        whole = orjson.loads(raw)
    except ValueError:
        lines = [line for line in raw.splitlines() if line.strip()]
        entries = [_line(line) for line in lines]
        if not any(isinstance(entry, dict) for entry in entries):
            raise UsageError(f"{name} holds no events: give it a JSON list of objects, or one JSON object a line") from None
        return entries
    if isinstance(whole, dict):
        return [whole]
    if not isinstance(whole, list):
        raise UsageError(f"{name} holds no events: give it a JSON list of objects, or one JSON object a line")
    return whole


def _line(line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except ValueError:
        return None

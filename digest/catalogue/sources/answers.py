"""Answers of web APIs in JSON: read without trusting their shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import orjson

from digest.errors import Unreachable

if TYPE_CHECKING:  # what speaks HTTP is loaded when something is fetched
    from digest.catalogue.fetching import Page


def json_of(page: Page) -> Any:
    """The JSON value of a page. Raises `Unreachable` with one line."""
    try:
        return orjson.loads(page.data.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise Unreachable(
            f"{page.place}: the answer is not JSON (line {error.lineno}, column {error.colno}); is this API switched on there?"
        ) from None


def at(value: Any, *path: str | int) -> Any:
    """What stands at `path` in a JSON value; None where anything on the way is missing or of another kind."""
    for step in path:
        if isinstance(step, str):
            value = value.get(step) if isinstance(value, Mapping) else None
        else:
            value = value[step] if isinstance(value, list) and len(value) > step else None
    return value


def text_at(value: Any, *path: str | int) -> str | None:
    """The text at `path`, None when it is none or empty."""
    found = at(value, *path)
    return found if isinstance(found, str) and found else None


def list_at(value: Any, *path: str | int) -> list[Any]:
    """The list at `path`, empty when it is none."""
    found = at(value, *path)
    return found if isinstance(found, list) else []


def given(raw: dict[str, Any]) -> dict[str, Any]:
    """`raw` without keys that hold nothing."""
    return {key: value for key, value in raw.items() if value not in (None, "", [])}

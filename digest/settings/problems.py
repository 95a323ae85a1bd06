"""Problems of a configuration, told in one line each: the place, the key, what is wrong, and what to do."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from digest.settings.model import Settings
from digest.settings.secrecy import HOW_TO_MAKE_ONE
from digest.settings.types import Frequency, nearest
from digest.settings.variables import NOT_CONFIGURED, variable_of

Path = tuple[str, ...]

_MISSING: dict[Path, str] = {
    (
        "started_at",
    ): "is missing: write the time the project began at the top of the file, such as started_at = 2026-11-22T09:00:00Z",
    ("secret_key",): f"is missing: set DIGEST_SECRET_KEY in .env or the environment; {HOW_TO_MAKE_ONE}",
    ("sources",): "is missing: add a [[sources]] table with name, kind and path or url",
    ("newsletters",): "is missing: add a [[newsletters]] table with slug, title, schedule and topics",
}

# What pydantic says, in words of ours. The value is shown where it is a plain one.
_WORDS: dict[str, str] = {
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "int_parsing": "must be a whole number",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "string_type": "must be text in quotation marks",
    "string_too_short": "must not be empty",
    "path_type": "must be a path in quotation marks",
    "dict_type": "must be a table",
    "model_type": "must be a table",
    "model_attributes_type": "must be a table",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "timezone_aware": "needs its zone, such as 2026-11-22T09:00:00Z",
    "datetime_type": "must be a time, such as 2026-11-22T09:00:00Z",
    "datetime_parsing": "must be a time, such as 2026-11-22T09:00:00Z",
    "datetime_from_date_parsing": "must be a time, such as 2026-11-22T09:00:00Z",
}


def told(error: ValidationError, where: Callable[[Path], str]) -> list[str]:
    """One line for each thing that `error` found; `where` names the file or variable of a path."""
    details = error.errors(include_url=False)
    return [_told(detail, where) for detail in details if not _follows(detail, details)]


def unknown_key(path: Path) -> str:
    """That a key means nothing, and which neighbour may have been meant."""
    neighbours = _neighbours(path[:-1])
    return f"unknown key{nearest(path[-1], neighbours)}" + (f" (known are {', '.join(neighbours)})" if neighbours else "")


def _follows(detail: ErrorDetails, details: list[ErrorDetails]) -> bool:
    """Whether a list seems too short only because its entries are wrong."""
    size = len(detail["loc"])
    return detail["type"] == "too_short" and any(
        other["loc"][:size] == detail["loc"] and other is not detail for other in details
    )


def _told(detail: ErrorDetails, where: Callable[[Path], str]) -> str:
    path = tuple(str(part) for part in detail["loc"] if part != "[key]")
    message = _message(detail, path, where(path))
    if not path:  # found by comparing tables; the message begins with the key
        return f"{where(tuple(message.partition(':')[0].split('.')))}: {message}"
    return f"{where(path)}: {'.'.join(path)}: {message}"


def _message(detail: ErrorDetails, path: Path, origin: str) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "missing":
        return _MISSING.get(path, f"is missing: {_description(path)}")
    if kind == "extra_forbidden":
        return unknown_key(path)
    if kind == "value_error":
        return str(context["error"])
    if kind == "enum":
        return f"{path[-1]!r} is not a frequency: use {', '.join(Frequency)}{nearest(path[-1], list(Frequency))}"
    return _limits(kind, context) or _word(detail, origin)


def _limits(kind: str, context: dict[str, Any]) -> str | None:
    if kind == "literal_error":
        return f"must be {context['expected']}"
    if kind == "greater_than_equal":
        return f"must be at least {context['ge']}"
    if kind == "less_than_equal":
        return f"must be at most {context['le']}"
    if kind == "greater_than":
        return "must be more than nothing"
    if kind == "too_short":
        return "needs at least one entry"
    return None


def _word(detail: ErrorDetails, origin: str) -> str:
    word = _WORDS.get(detail["type"], f"is not right: {detail['msg']}")
    if word in {"must be a list", "must be a table"} and "DIGEST_" in origin:
        return f"{word}: in a variable, write it as JSON, such as " + ('["a", "b"]' if "list" in word else '{"key": "value"}')
    value = detail["input"]
    shown = isinstance(value, str | int | float) and "text" not in word and len(str(value)) <= 60
    return f"{word}, not {value!r}" if shown else word


def _neighbours(path: Path) -> list[str]:
    model = _model_at(path)
    return [name for name in model.model_fields if path or name not in NOT_CONFIGURED] if model else []


def _description(path: Path) -> str:
    model = _model_at(path[:-1])
    field = model.model_fields.get(path[-1]) if model else None
    if field is not None and field.description:
        return field.description
    return f"add a [{'.'.join(path)}] table, or set {variable_of(path)}"


def _model_at(path: Path) -> type[BaseModel] | None:
    """The table that a path leads to, through lists and named tables."""
    kind: Any = Settings
    for part in path:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            field = kind.model_fields.get(part)
            kind = field.annotation if field else None
        elif get_origin(kind) in {tuple, dict}:
            kind = get_args(kind)[0 if get_origin(kind) is tuple else 1]
        else:
            return None
        if get_origin(kind) in {Union, types.UnionType}:
            kind = next((member for member in get_args(kind) if member is not type(None)), None)
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None

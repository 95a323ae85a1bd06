"""Showing a configuration: every value in force with where it came from, and the schema of the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from digest.settings.database_url import masked_database_url
from digest.settings.model import Settings
from digest.settings.secrecy import EACH, MASK, secret_keys
from digest.settings.types import format_duration
from digest.settings.variables import NOT_CONFIGURED

_MASKED_BY_PYDANTIC = "**********"


class _FileSchema(GenerateJsonSchema):
    """JSON Schema with defaults as the file spells them."""

    def encode_default(self, dft: Any) -> Any:
        """A duration as `10m`, all else as it is."""
        return format_duration(dft) if isinstance(dft, timedelta) else super().encode_default(dft)


def show(settings: Settings) -> dict[str, dict[str, Any]]:
    """Every value in force, secrets masked: dotted key → `{"value": ..., "origin": ...}`, in the file's order.

    `origin` names the file, or the variable and its place, or is `default`. Values are as JSON has them.
    """
    values = settings.model_dump(mode="json")
    values["database"]["url"] = masked_database_url(settings.database.url)
    return {".".join(path): {"value": _masked(value), "origin": _origin(settings, path)} for path, value in _leaves(values, ())}


def schema() -> dict[str, Any]:
    """A JSON Schema (2020-12) of the configuration file, for editors that complete and check it; no secret is in it."""
    whole = Settings.model_json_schema(schema_generator=_FileSchema)
    for path in [*secret_keys(Settings), *((name,) for name in NOT_CONFIGURED)]:
        _drop(whole, path)
    for table in (whole, *whole["$defs"].values()):
        for key in table.get("properties", {}).values():  # an enumeration has none
            if "$ref" in key:
                key.pop("default", None)  # a table's own keys say theirs
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **whole, "title": "config/digest.toml"}


def _leaves(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, Mapping) and value:
        for key, below in value.items():
            yield from _leaves(below, (*path, key))
    elif isinstance(value, list) and any(isinstance(entry, Mapping) for entry in value):
        for index, entry in enumerate(value):
            yield from _leaves(entry, (*path, str(index)))
    else:
        yield path, value


def _masked(value: Any) -> Any:
    return MASK if value == _MASKED_BY_PYDANTIC else value


def _origin(settings: Settings, path: tuple[str, ...]) -> str:
    # A lone cron is shown under the frequency it stands for, but was written one level above.
    written = path[:-1] if path[-2:-1] == ("schedule",) and ".".join(path) not in settings.origins else path
    return settings.origins.get(".".join(written), "default")


def _drop(whole: dict[str, Any], path: tuple[str, ...]) -> None:
    table = whole
    for key in path[:-1]:
        if key == EACH:
            continue
        held = table["properties"][key]
        table = whole["$defs"][held.get("items", held)["$ref"].rpartition("/")[2]]
    table["properties"].pop(path[-1])
    table["required"] = [key for key in table.get("required", []) if key != path[-1]]

"""What is secret in a configuration, where it may not stand, and how it is shown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, get_args, get_origin

from pydantic import AfterValidator, BaseModel, SecretStr

from digest.settings.database_url import has_password

MASK = "********"
HOW_TO_MAKE_ONE = """make one with: python3 -c "import secrets; print(secrets.token_urlsafe(32))\""""

EACH = "*"  # in the path of a secret: every entry of a list

_SECRET_NAME = re.compile(r"(?:^|_|-)(?:password|passwd|secret|token|key)$", re.IGNORECASE)


def _hide(table: dict[str, Any]) -> dict[str, Any]:
    return {key: SecretStr(str(value)) if _is_secret_name(key) else value for key, value in table.items()}


def _is_secret_name(key: str) -> bool:
    return _SECRET_NAME.search(key) is not None


# A plugin's table is plain, but for values named like secrets: they must not reach a log by accident.
PluginTable = Annotated[dict[str, Any], AfterValidator(_hide)]


def secret_keys(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The path of every secret that `model` declares."""
    for name, field in model.model_fields.items():
        annotation = field.annotation
        if annotation is SecretStr or SecretStr in get_args(annotation):
            yield (*path, name)
        elif get_origin(annotation) is tuple and (entry := _table_in(annotation)) is not None:
            yield from secret_keys(entry, (*path, name, EACH))
        elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from secret_keys(annotation, (*path, name))


def _table_in(annotation: Any) -> type[BaseModel] | None:
    """The table that a list holds, when it holds tables."""
    entry = get_args(annotation)[0]
    return entry if isinstance(entry, type) and issubclass(entry, BaseModel) else None


def secrets_in_file(data: Mapping[str, Any], model: type[BaseModel]) -> Iterator[tuple[str, ...]]:
    """The path of every secret that a configuration file holds although it must not."""
    declared = set(secret_keys(model))
    yield from sorted(found for path in declared for found in _found(data, path))
    for provider, table in _tables(data.get("providers")):
        for key in table:
            path = ("providers", provider, key)
            if path not in declared and provider not in _declared_providers(declared) and _is_secret_name(key):
                yield path
    database = data.get("database")
    if isinstance(database, dict) and isinstance(database.get("url"), str) and has_password(database["url"]):
        yield ("database", "url")


def _declared_providers(declared: set[tuple[str, ...]]) -> set[str]:
    return {path[1] for path in declared if path[0] == "providers"}


def _tables(data: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(data, dict):
        yield from ((name, table) for name, table in data.items() if isinstance(table, dict))


def _found(data: Any, path: tuple[str, ...], walked: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Where in `data` something stands at `path`."""
    if not path:
        yield walked
    elif path[0] == EACH:
        for index, entry in enumerate(data if isinstance(data, list) else ()):
            yield from _found(entry, path[1:], (*walked, str(index)))
    elif isinstance(data, dict) and path[0] in data:
        yield from _found(data[path[0]], path[1:], (*walked, path[0]))

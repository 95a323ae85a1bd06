"""The names of variables: which ones there are, and those that mean nothing to us."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from digest.settings.model import Settings
from digest.settings.types import nearest

PREFIX = "DIGEST_"
OPERATIONAL = ("DIGEST_CONFIG", "DIGEST_KILLPOINT", "DIGEST_SECRETS_DIR")  # read from the environment only
NOT_CONFIGURED = ("project",)  # set by the reader


def variable_of(path: Iterable[str]) -> str:
    """The variable that sets a key, such as `DIGEST_DELIVERY__PROVIDER` for `("delivery", "provider")`."""
    return PREFIX + "__".join(path).upper()


def known_variables(model: type[BaseModel] = Settings, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Every variable that sets a value or a whole table; entries of lists are left out."""
    for name, field in model.model_fields.items():
        if path or name not in NOT_CONFIGURED:
            yield variable_of((*path, name))
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from known_variables(field.annotation, (*path, name))


def unknown_variables(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Those of `names` that no source would even look at, with a suggestion; case does not matter."""
    for name in sorted(name.upper() for name in names):
        if name.startswith(PREFIX) and name not in OPERATIONAL and not _reaches_a_value(name):
            yield name, nearest(name, [*known_variables(), *OPERATIONAL])


def _reaches_a_value(name: str) -> bool:
    first, *rest = name.removeprefix(PREFIX).lower().split("__")
    if first not in Settings.model_fields or first in NOT_CONFIGURED:
        return False
    # Below tables and lists the model itself refuses what it does not know, and names the neighbours.
    return not rest or _has_parts(Settings.model_fields[first].annotation)


def _has_parts(annotation: Any) -> bool:
    return get_origin(annotation) is tuple or any(
        isinstance(kind, type) and issubclass(kind, BaseModel) for kind in (annotation, *get_args(annotation))
    )

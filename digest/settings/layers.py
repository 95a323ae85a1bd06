"""Laying one source of values over another, and remembering where each value came from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from digest.errors import UsageError

LISTS = ("sources", "newsletters")

Path = tuple[str, ...]


class Layers:
    """The values of all sources laid so far, the later above the earlier; `origins` names each value's source."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.origins: dict[Path, str] = {}

    def lay(self, values: Mapping[str, Any], origin: Callable[[Path], str]) -> None:
        """Put `values` above what there is: tables are joined, numbered entries changed, all else replaced."""
        for key, value in values.items():
            self.values[key] = self._laid(self.values.get(key), value, (key,), origin)

    def origin(self, path: Path) -> str | None:
        """Where the value at `path`, or the nearest one around it, came from."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.origins:
                return self.origins[path[:length]]
        return None

    def _laid(self, below: Any, above: Any, path: Path, origin: Callable[[Path], str]) -> Any:
        if isinstance(above, Mapping):
            if below is None and path[0] in LISTS and len(path) == 1 and _numbered(above):
                below = []
            if isinstance(below, list) and _numbered(above):
                return self._entries(below, above, path, origin)
            if below is None:
                self.origins[path] = origin(path)
            if below is None or isinstance(below, dict):
                return self._table(below or {}, above, path, origin)
        self._forget(path)
        self.origins[path] = origin(path)
        if isinstance(above, Mapping):
            return self._table({}, above, path, origin)
        if isinstance(above, list):
            return [self._laid(None, entry, (*path, str(index)), origin) for index, entry in enumerate(above)]
        return above

    def _table(
        self, below: dict[str, Any], above: Mapping[str, Any], path: Path, origin: Callable[[Path], str]
    ) -> dict[str, Any]:
        return below | {key: self._laid(below.get(key), value, (*path, key), origin) for key, value in above.items()}

    def _entries(self, below: list[Any], above: Mapping[str, Any], path: Path, origin: Callable[[Path], str]) -> list[Any]:
        entries = list(below)
        for index in sorted(above, key=int):
            place = (*path, index)
            if int(index) > len(entries):
                raise UsageError(
                    f"{origin(place)}: {'.'.join(place)}: there are only {len(entries)} {path[-1]}; the next is number {len(entries)}"
                )
            entries[int(index) : int(index) + 1] = [self._laid((entries[int(index) :] or [None])[0], above[index], place, origin)]
        return entries

    def _forget(self, path: Path) -> None:
        for known in [known for known in self.origins if known[: len(path)] == path]:
            del self.origins[known]


def _numbered(table: Mapping[str, Any]) -> bool:
    return bool(table) and all(key.isdecimal() for key in table)

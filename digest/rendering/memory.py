"""What blocks came to when they were rendered last: an edit renders fifty articles anew, of which one is another.

A block is a function of the template, the language and the names that stand in it, and of nothing else: the same values make the same text, so
what is remembered is what would be rendered. Kept in this process alone, and of a bounded size.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from functools import lru_cache

from jinja2 import Environment, nodes
from jinja2.meta import find_undeclared_variables

from digest.rendering.rendition import Slotted

_MOST = 2048  # of some thousand bytes each: the forms of fifty articles, three times over


class _Asked:
    """What is asked for, equal where the key is; how it is rendered is let go of when it was."""

    __slots__ = ("_hash", "key", "render")

    def __init__(self, key: tuple[Hashable, ...], render: Callable[[], Slotted]) -> None:
        self.key, self.render, self._hash = key, render, hash(key)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Asked) and self.key == other.key


def names_in_blocks(environment: Environment, text: str) -> Mapping[str, frozenset[str]]:
    """By block, the names whose values it asks for."""
    blocks = environment.parse(text).find_all(nodes.Block)
    scopes = ((block.name, nodes.Template(block.body, lineno=1).set_environment(environment)) for block in blocks)
    return {name: frozenset(find_undeclared_variables(scope)) for name, scope in scopes}  # type: ignore[arg-type]  # a template it is


def remembered(key: Iterable[Hashable], render: Callable[[], Slotted]) -> Slotted:
    """What was rendered for this key, or else what is rendered now; the same without a memory where a value cannot be compared."""
    try:
        asked = _Asked(tuple(key), render)
    except TypeError:
        return render()
    return _rendered(asked)


@lru_cache(maxsize=_MOST)
def _rendered(asked: _Asked) -> Slotted:
    made = asked.render()
    del asked.render
    return made


def forget() -> None:
    """Remember nothing."""
    _rendered.cache_clear()

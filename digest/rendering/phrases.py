"""Phrases: what a template says with `_` and `ngettext`, found in it, checked, and known to whoever translates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from jinja2 import nodes

from digest.errors import TemplateError
from digest.languages.catalogues import placeholders
from digest.rendering.source import Source

SPEAKING = {"_": 1, "ngettext": 2}
"""The functions that say our own words, with how many texts each takes."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """One message of a template, in English: one text, or two for a number."""

    texts: tuple[str, ...]
    line: int


def phrases(tree: nodes.Template) -> Iterator[Phrase]:
    """Every message of a template that `check_phrases` has passed."""
    for call in tree.find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name in SPEAKING:
            yield Phrase(_texts(call, SPEAKING[call.node.name]), call.lineno)


def check_phrases(source: Source, tree: nodes.Template) -> None:
    """Raise a TemplateError that names file and line for the first message that could not be translated, or not be put together."""
    called = set()
    for call in tree.find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name in SPEAKING:
            called.add(id(call.node))
            _check_call(source, call, call.node.name)
    for name in tree.find_all(nodes.Name):
        if name.name in SPEAKING and id(name) not in called:
            raise _error(source, name, f"`{name.name}` says something: call it, as in {_EXAMPLE[name.name]}")


def spoken_slot(call: nodes.Node, value: nodes.Node) -> bool:
    """Whether `value` is a slot's name put into a message, as it is or isolated: the one use beside writing it out."""
    speaks = isinstance(call, nodes.Call) and isinstance(call.node, nodes.Name) and call.node.name in SPEAKING
    if isinstance(value, nodes.Filter) and value.name == "bdi" and value.node is not None:
        value = value.node
    return speaks and isinstance(value, nodes.Name)


_EXAMPLE = {
    "_": "{{ _('Hello, %(name)s', name=article.author) }}",
    "ngettext": "{{ ngettext('%(num)s minute', '%(num)s minutes', article.reading_minutes) }}",
}


def _check_call(source: Source, call: nodes.Call, name: str) -> None:
    texts, number = _texts(call, SPEAKING[name]), SPEAKING[name] - 1
    if len(texts) != SPEAKING[name] or len(call.args) != len(texts) + number or call.dyn_args or call.dyn_kwargs:
        raise _error(source, call, f"`{name}` takes its English in quotes, so that it can be translated, as in {_EXAMPLE[name]}")
    try:
        known = frozenset().union(*(placeholders(text) for text in texts))
    except ValueError as error:
        raise _error(source, call, f"{texts[0]!r}: {error}") from None
    given = {keyword.key for keyword in call.kwargs}
    for missing in sorted(known - given - ({"num"} if number else set())):
        raise _error(source, call, f"{texts[0]!r} needs a value for %({missing})s: write {missing}=… behind it")
    for idle in sorted(given - known):
        raise _error(source, call, f"{texts[0]!r} has no %({idle})s to put {idle} into")


def _texts(call: nodes.Call, count: int) -> tuple[str, ...]:
    constants = (one.value for one in call.args[:count] if isinstance(one, nodes.Const))
    return tuple(text for text in constants if isinstance(text, str))


def _error(source: Source, node: nodes.Node, what: str) -> TemplateError:
    return TemplateError(f"{source.place(node.lineno)}: {what}")

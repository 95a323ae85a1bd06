"""What a template says that MJML does not know: unknown tags and attributes, wrong places, wrong values, each with its line.

The compiler lets most of it pass and makes something else of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from digest.rendering.markup import MOST, Attribute, Token, is_default, mistake_of, walk, without_remarks
from digest.rendering.mistakes import Mistake, mistake_at, nearest
from digest.rendering.mjml import Component, Kind, mjml
from digest.rendering.shortcomings import shortcomings
from digest.rendering.source import Source

_JINJA = re.compile(r"\{[{%#]")


def lint(source: Source) -> list[Mistake]:
    """The mistakes in a template's MJML, at most a hundred, in the order of its lines; Jinja may stand wherever a value may."""
    found = islice(_mistakes(without_remarks(source)), MOST)
    return sorted(dict.fromkeys(found), key=lambda mistake: mistake.at)


def _mistakes(source: Source) -> Iterator[Mistake]:
    shown: list[Token] = []
    defaults: list[Token] = []
    readable = True
    for step in walk(source):
        if isinstance(step, Mistake):
            readable = False
            yield step
            continue
        token, around = step
        if token.kind != "text":
            (defaults if is_default(around) else shown).append(token)
            yield from _of_tag(source, token, around)
    if readable or shown:
        yield from _of_whole(source, shown)
    yield from _classes(source, shown, defaults)
    yield from shortcomings(source, shown, defaults)


def _of_tag(source: Source, token: Token, around: Sequence[Token]) -> Iterator[Mistake]:
    component = mjml().components.get(token.name)
    parent = around[-1].name if around else ""
    holder = next((one.name for one in around if _holds_text(one.name)), "")
    if holder and component is not None:
        what = f"<{token.name}> is no component within <{holder}>, and stays in the mail as it is"
        yield mistake_of(source, token, what, f"close <{holder}> first")
    elif component is not None:
        yield from _of_place(source, token, component, around)
        yield from _of_attributes(source, token, component, default=is_default(around))
    elif holder and mjml().components[holder].holds != "html":
        what = f"<{token.name}> stands in <{holder}>, where mjml-python reads text and no tags"
        yield mistake_of(source, token, what, "write the text alone")
    elif not holder and not token.name.startswith("mj"):
        what = f"<{token.name}> is HTML, and <{parent}> holds components" if parent else f"<{token.name}> stands outside <mjml>"
        yield mistake_of(source, token, what, "wrap it in <mj-text> or <mj-raw>")


def _holds_text(name: str) -> bool:
    component = mjml().components.get(name)
    return component is not None and component.holds in {"html", "css", "text"}


def _of_place(source: Source, token: Token, component: Component, around: Sequence[Token]) -> Iterator[Mistake]:
    parent = around[-1].name if around else ""
    if parent in component.refused_within:
        what = f"mjml-python cannot read <{token.name}> in <{parent}>, though MJML can"
        yield mistake_of(source, token, what, "write it otherwise, in HTML of your own within <mj-raw> or <mj-text>")
        return
    if is_default(around) or parent in component.within or (parent == "" and token.name == "mjml"):
        return
    if parent and parent not in mjml().components:
        return  # told of the parent
    if len(around) > 1 and is_default(around[:-1]):
        what = f"<{token.name}> cannot stand in <{parent}> of <mj-attributes>: mjml-python cannot read defaults in defaults"
        yield mistake_of(source, token, what, "let <mj-class> stand alone, and give it the attributes")
        return
    where = " or ".join(f"<{name}>" for name in component.within) or "no other tag"
    what = f"<{token.name}> cannot stand in <{parent}>" if parent else f"<{token.name}> cannot stand alone"
    yield mistake_of(source, token, what, f"it belongs in {where}")


def _of_attributes(source: Source, token: Token, component: Component, *, default: bool) -> Iterator[Mistake]:
    seen: set[str] = set()
    for attribute in token.attributes:
        if attribute.name in seen:
            yield mistake_of(source, token, f"`{attribute.name}` stands twice in <{token.name}>", "keep one", attribute)
        seen.add(attribute.name)
        kinds = _kinds(component, attribute.name)
        if not kinds:
            yield _unknown(source, token, component, attribute)
        elif attribute.value is None:
            what = f"`{attribute.name}` of <{token.name}> has no value"
            yield mistake_of(source, token, what, f'write {attribute.name}="..."', attribute)
        elif not _JINJA.search(attribute.value) and not any(kind.accepts(attribute.value) for kind in kinds):
            what = f"`{attribute.name}` of <{token.name}> cannot be {attribute.value!r}"
            mend = nearest(attribute.value, kinds[0].words) or f"it takes {kinds[0].wanted}"
            yield mistake_of(source, token, what, mend, attribute)
    if default and token.name == "mj-class" and "name" not in seen:
        yield mistake_of(source, token, "<mj-class> has no name", 'write <mj-class name="..." />')


def _kinds(component: Component, attribute: str) -> list[Kind]:
    """The types that an attribute may have; those of <mj-all> and <mj-class> are of any component that has it."""
    if attribute in component.attributes:
        return [component.attributes[attribute]]
    if attribute in mjml().everywhere:
        return [Kind("text")]
    if component.name in {"mj-all", "mj-class"}:
        all_of_them = (one.attributes[attribute] for one in mjml().components.values() if attribute in one.attributes)
        return sorted(set(all_of_them), key=lambda kind: kind.written)
    return []


def _unknown(source: Source, token: Token, component: Component, attribute: Attribute) -> Mistake:
    known = {*component.attributes, *mjml().everywhere}
    if component.name in {"mj-all", "mj-class"}:
        known |= {name for one in mjml().components.values() for name in one.attributes}
    mend = nearest(attribute.name, known) or f"it has {', '.join(sorted(known))}"
    what = f"<{token.name}> has no attribute `{attribute.name}`"
    return mistake_of(source, token, what, mend, attribute)


def _of_whole(source: Source, tokens: Sequence[Token]) -> Iterator[Mistake]:
    names = [token.name for token in tokens]
    if "mjml" not in names:
        yield mistake_at(source, 0, "there is no <mjml>", "a template is one <mjml> with an <mj-body>", tag="mjml")
        return
    if "mj-body" not in names:
        yield mistake_at(source, tokens[names.index("mjml")].at, "there is no <mj-body>", "nothing would be shown", tag="mj-body")
    for name in ("mjml", "mj-head", "mj-body"):
        for token in [token for token in tokens if token.name == name][1:]:
            yield mistake_of(source, token, f"<{name}> stands twice", "keep one")
    if "mj-title" not in names:
        what = "there is no <mj-title>"
        at = tokens[names.index("mj-head" if "mj-head" in names else "mjml")].at
        mend = "write <mj-title>{{ newsletter.title }}</mj-title> into <mj-head>: it names the mail where it is read aloud"
        yield mistake_at(source, at, what, mend, tag="mj-title", severity="warning")


def _classes(source: Source, shown: Sequence[Token], defaults: Sequence[Token]) -> Iterator[Mistake]:
    """Names in `mj-class` that no <mj-class> has."""
    named = {token.value("name") or "" for token in defaults if token.name == "mj-class"}
    if any(_JINJA.search(name) for name in named):
        return
    for token in shown:
        for attribute in token.attributes:
            if attribute.name != "mj-class" or _JINJA.search(attribute.value or ""):
                continue
            for name in (attribute.value or "").split():
                if name not in named:
                    mend = nearest(name, named) or f'add <mj-class name="{name}" ... /> to <mj-attributes>'
                    what = f"`mj-class` of <{token.name}> names `{name}`, which is not defined"
                    yield mistake_of(source, token, what, mend, attribute, "warning")

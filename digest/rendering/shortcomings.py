"""What mjml-python 1.4.2 leaves out or makes worse though MJML documents it.

Each was seen by compiling it; tests/rendering/test_shortcomings.py does it again. What it cannot read at all is told by
lint.py, from `refused_within` in mjml.toml.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from digest.rendering.markup import Attribute, Token, mistake_of
from digest.rendering.mistakes import Mistake
from digest.rendering.mjml import mjml
from digest.rendering.source import Source


@dataclass(frozen=True, slots=True)
class _Template:
    """A template's tags in their order: those that are shown, and those that give defaults."""

    source: Source
    shown: Sequence[Token]
    defaults: Sequence[Token]

    def elements(self, *names: str) -> Iterator[Token]:
        return (token for token in self.shown if token.name in names)

    def has(self, token: Token, attribute: str) -> bool:
        """Whether an attribute is given to a component, by itself or by a default."""
        classes = (token.value("mj-class") or "").split()
        givers = [
            one
            for one in self.defaults
            if one.name in {token.name, "mj-all"} or (one.name == "mj-class" and one.value("name") in classes)
        ]
        return any(one.value(attribute) is not None for one in (token, *givers))

    def warning(self, token: Token, attribute: Attribute | str | None, what: str, mend: str) -> Mistake:
        """A warning about a tag, an attribute of it, or one that it lacks, by its name."""
        if isinstance(attribute, str):
            attribute = Attribute(attribute, None, token.at)
        return mistake_of(self.source, token, what, mend, attribute, "warning")


def shortcomings(source: Source, shown: Sequence[Token], defaults: Sequence[Token]) -> Iterator[Mistake]:
    """The warnings about a template's tags: those that are shown, and those that give defaults."""
    template = _Template(source, shown, defaults)
    for rule in _RULES:
        yield from rule(template)


def _ignored(template: _Template) -> Iterator[Mistake]:
    for token in (*template.shown, *template.defaults):
        component = mjml().components.get(token.name)
        for attribute in token.attributes:
            if component is not None and attribute.name in component.ignored:
                what = f"mjml-python leaves `{attribute.name}` of <{token.name}> without effect"
                yield template.warning(token, attribute, what, "do it with css-class and <mj-style>, or in HTML, or drop it")


def _bare_zero(template: _Template) -> Iterator[Mistake]:
    for token in (*template.shown, *template.defaults):
        if token.name not in {*mjml().bare_zero, "mj-all", "mj-class"}:
            continue
        for attribute in token.attributes:
            if attribute.name == "padding" and _loses_sides((attribute.value or "").split()):
                what = f"mjml-python counts neither left nor right of `padding` of <{token.name}>, as a 0 in it has no unit"
                yield template.warning(token, attribute, what, "write 0px")


def _loses_sides(parts: Sequence[str]) -> bool:
    """Whether a padding has a bare 0, and something left or right that is lost by it."""
    sides = parts if len(parts) == 1 else parts[1::2]
    return "0" in parts and any(side.strip("0.px%") for side in sides)


def _pictures(template: _Template) -> Iterator[Mistake]:
    for token in template.elements("mj-image", "mj-carousel-image"):
        if not template.has(token, "alt"):
            mend = 'write alt="..." with what the picture says, or alt="" where it only adorns'
            yield template.warning(token, "alt", f"<{token.name}> has no `alt`, and mjml-python writes none", mend)


_STRANGERS = {
    "mj-social-element": (("src",), "www.mailjet.com, if that has one"),
    "mj-accordion": (("icon-wrapped-url", "icon-unwrapped-url"), "i.imgur.com"),
    "mj-carousel": (("left-icon", "right-icon"), "i.imgur.com"),
}


def _third_parties(template: _Template) -> Iterator[Mistake]:
    for token in template.elements(*_STRANGERS):
        attributes, host = _STRANGERS[token.name]
        for attribute in attributes:
            if not template.has(token, attribute):
                what = f"without `{attribute}`, a picture of <{token.name}> is fetched from {host}"
                yield template.warning(token, attribute, what, f'give it your own: {attribute}="https://..."')


def _preview(template: _Template) -> Iterator[Mistake]:
    for token in template.elements("mj-preview"):
        mend = "write {{ preheader }} into a hidden <div> of your own in <mj-raw>, in the colour of the text"
        yield template.warning(token, None, "<mj-preview> makes white text, which spam filters count against a mail", mend)


def _full_width(template: _Template) -> Iterator[Mistake]:
    for token in (*template.shown, *template.defaults):
        for attribute in token.attributes:
            if attribute.name == "full-width" and attribute.value == "false":
                what = f'mjml-python takes full-width="false" of <{token.name}> for full-width'
                yield template.warning(token, attribute, what, "drop it")


_RULES: tuple[Callable[[_Template], Iterator[Mistake]], ...] = (
    _ignored,
    _bare_zero,
    _pictures,
    _third_parties,
    _preview,
    _full_width,
)

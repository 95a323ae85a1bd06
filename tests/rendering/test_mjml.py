"""What mjml.toml says of MJML, held against the compiler."""

from __future__ import annotations

import re

import pytest
from mjml import mjml2html

from digest.rendering.mjml import Component, Kind, mjml

_TEXT = "<mj-text>x</mj-text>"
_COLUMN = f"<mj-column>{_TEXT}</mj-column>"
_SECTION = f"<mj-section>{_COLUMN}</mj-section>"
_ELEMENT = "<mj-accordion-element><mj-accordion-title>x</mj-accordion-title><mj-accordion-text>x</mj-accordion-text></mj-accordion-element>"
_CONTENT = {
    "mj-body": _SECTION,
    "mj-section": _COLUMN * 2,
    "mj-group": _COLUMN * 2,
    "mj-wrapper": _SECTION * 2,
    "mj-column": _TEXT,
    "mj-hero": _TEXT,
    "mj-social": '<mj-social-element name="github" href="h">x</mj-social-element>',
    "mj-navbar": '<mj-navbar-link href="/h">x</mj-navbar-link>',
    "mj-accordion": _ELEMENT,
    "mj-accordion-element": _ELEMENT.removeprefix("<mj-accordion-element>").removesuffix("</mj-accordion-element>"),
    "mj-carousel": '<mj-carousel-image src="1" /><mj-carousel-image src="2" />',
    "mj-table": "<tr><td>x</td></tr>",
    "mj-style": ".a div { color: red }",
}
_GIVEN = {
    "mj-image": {"src": "s", "href": "h"},
    "mj-button": {"href": "h"},
    "mj-social-element": {"name": "github", "href": "h"},
    "mj-navbar": {"hamburger": "hamburger"},
    "mj-navbar-link": {"href": "/h"},
    "mj-carousel-image": {"src": "1", "href": "h"},
    "mj-column": {"padding": "5px"},
    "mj-section": {"background-url": "u"},
    "mj-wrapper": {"background-url": "u"},
    "mj-hero": {"background-url": "u", "background-width": "300px", "background-height": "200px", "height": "200px"},
}
_WORTH_TRYING = {
    ("mj-hero", "mode"): "fluid-height",
    ("mj-style", "inline"): "inline",
    ("mj-raw", "position"): "file-start",
    ("mj-social-element", "name"): "web",
    ("mj-navbar", "hamburger"): "hamburger",
    ("mj-section", "full-width"): "full-width",
    ("mj-wrapper", "full-width"): "full-width",
}
_HEAD = {"mj-breakpoint", "mj-style"}
_TRIED = sorted(
    (component.name, attribute)
    for component in mjml().components.values()
    for attribute in component.attributes
    if component.name not in {"mjml", "mj-all", "mj-class", "mj-selector", "mj-html-attribute", "mj-font"}
)


def document(component: Component, attributes: dict[str, str]) -> str:
    """The smallest template that has a component with these attributes where it belongs."""
    name = component.name
    written = "".join(f' {key}="{value}"' for key, value in attributes.items())
    inner = _CONTENT.get(name, "" if component.holds == "nothing" else "x")
    made = f"<{name}{written}>{inner}</{name}>"
    if name == "mj-carousel-image":
        made += '<mj-carousel-image src="2" />'
    while name not in {"mj-body", *_HEAD}:
        name = next(parent for parent in component.within if parent not in {"mjml", "mj-wrapper", *component.refused_within})
        component = mjml().components[name]
        made = f"<{name}>{made}</{name}>"
    if name in _HEAD:
        return f"<mjml><mj-head>{made}</mj-head><mj-body>{_SECTION}</mj-body></mjml>"
    return f"<mjml>{made}</mjml>"


def values(kind: Kind) -> list[str]:
    match kind.written.split(" "):
        case ["colour"]:
            return ["#123456"]
        case ["number"]:
            return ["7"]
        case ["four", *_]:
            return ["31px 32px 33px 34px"]
        case ["length" | "signed", *_]:
            return ["37px"]
        case ["text"]:
            return ["7px dotted #123456"]
    return sorted(kind.words)


def compiled(text: str) -> str:
    return re.sub(r"[0-9a-f]{16}|carousel-?[0-9a-f]+", "ID", mjml2html(text))


def test_it_has_the_components_and_attributes_of_that_version() -> None:
    known = mjml().components.values()
    registered = [one for one in known if one.name not in {"mjml", "mj-all", "mj-class", "mj-selector", "mj-html-attribute"}]
    assert len(registered) == 31
    assert sum(len(one.attributes) for one in registered) == 394


@pytest.mark.parametrize(("name", "attribute"), _TRIED)
def test_an_attribute_has_an_effect_exactly_where_the_table_says_so(name: str, attribute: str) -> None:
    component = mjml().components[name]
    given = {key: value for key, value in _GIVEN.get(name, {}).items() if key != attribute}
    tried = values(component.attributes[attribute])
    if (name, attribute) in _WORTH_TRYING:
        tried = [_WORTH_TRYING[name, attribute]]
    without = compiled(document(component, given))
    changed = any(compiled(document(component, given | {attribute: value})) != without for value in tried)
    assert changed is (attribute not in component.ignored)


@pytest.mark.parametrize("name", sorted(mjml().components["mj-raw"].refused_within))
def test_mj_raw_is_refused_where_the_table_says_so(name: str) -> None:
    if name == "mjml":
        text = f"<mjml><mj-raw>x</mj-raw><mj-body>{_SECTION}</mj-body></mjml>"
    else:
        text = document(mjml().components[name], {}).replace(f"<{name}>", f"<{name}><mj-raw>x</mj-raw>", 1)
    with pytest.raises(ValueError, match="unexpected"):
        mjml2html(text)


@pytest.mark.parametrize("name", sorted(mjml().bare_zero))
def test_a_bare_zero_in_a_padding_costs_its_sides(name: str) -> None:
    picture = '<mj-image src="s" padding="{}" />'
    column = '<mj-column padding="{}"><mj-image src="s" padding="0px" /></mj-column>'
    text = {
        "mj-image": f"<mj-section><mj-column>{picture}</mj-column></mj-section>",
        "mj-column": f"<mj-section>{column}</mj-section>",
        "mj-divider": '<mj-section><mj-column><mj-divider padding="{}" /></mj-column></mj-section>',
        "mj-section": f'<mj-section padding="{{}}">{column.replace("{}", "0px")}</mj-section>',
        "mj-wrapper": f'<mj-wrapper padding="{{}}"><mj-section padding="0px">{_COLUMN}</mj-section></mj-wrapper>',
    }[name]
    bare, measured = (mjml2html(f"<mjml><mj-body>{text.format(value)}</mj-body></mjml>") for value in ("0 20px", "0px 20px"))
    assert "width:560px" in measured
    assert measured.count("560") > bare.count("560")


@pytest.mark.parametrize(
    ("kind", "value", "right"),
    [
        ("colour", "#0b6e6e", True),
        ("colour", "#FFF", True),
        ("colour", "rgba(1, 2,3, 0.5)", True),
        ("colour", "Red", True),
        ("colour", "transparent", True),
        ("colour", "redd", False),
        ("colour", "#12345", False),
        ("colour", "", False),
        ("number", "0", True),
        ("number", "1.5", False),
        ("length px", "10px", True),
        ("length px", ".5px", True),
        ("length px", "0", True),
        ("length px", "10", False),
        ("length px", "10%", False),
        ("length px", "10.px", True),
        ("length px", "1" * 1_000_000, False),  # tried from each digit, it would take hours
        ("length px", "-1px", False),
        ("length px", "1px 2px", False),
        ("length px % bare", "1.55", True),
        ("length px auto", "auto", True),
        ("length px", "auto", False),
        ("signed length px em", "-0.01em", True),
        ("four lengths px %", "0 1px 2% 3px", True),
        ("four lengths px %", "1px 2px 3px 4px 5px", False),
        ("four lengths px %", "1px solid", False),
        ("four lengths px %", "", False),
        ("left | right", "left", True),
        ("left | right", "Left", False),
        ("text", "", True),
    ],
)
def test_a_value_is_of_a_type_or_not(kind: str, value: str, right: bool) -> None:
    assert Kind(kind).accepts(value) is right


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("length px % bare", "a length in px or % or no unit"),
        ("length px auto", "a length in px, or auto"),
        ("signed length px em", "a length in px or em"),
        ("four lengths px %", "one to four lengths in px or %"),
        ("left | right", "one of left, right"),
        ("text", "any text"),
        ("number", "a whole number"),
    ],
)
def test_a_type_is_told_in_words(kind: str, said: str) -> None:
    assert Kind(kind).wanted == said

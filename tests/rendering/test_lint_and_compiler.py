"""What lint lets pass and what the compiler reads, on drawn templates: right ones, and right ones with one thing wrong."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st
from mjml import mjml2html

from digest.rendering.lint import lint
from digest.rendering.mjml import Component, Kind, mjml
from digest.rendering.source import Source

KNOWN = mjml().components
UNIT = st.sampled_from(["0", "1", "12.5", ".5", "300"])


def values(kind: Kind) -> st.SearchStrategy[str]:
    """Values of a type."""
    match kind.written.split(" "):
        case ["text"]:
            return st.sampled_from(
                ["", "x", "https://x.example/a?b&amp;c", "1px solid #123456", "{{ x }}", "{% if x %}a{% endif %}"]
            )
        case ["colour"]:
            return st.sampled_from(["#123", "#123456", "red", "rgba(1, 2, 3, .5)", "transparent", "{{ x }}"])
        case ["number"]:
            return st.sampled_from(["0", "7"])
        case ["length" | "signed", *units]:
            return st.sampled_from(["0", "auto" if "auto" in units else "7px", "1.5" if "bare" in units else "{{ x }}"])
        case ["four", "lengths", *units]:
            length = st.builds(lambda number, unit: f"{number}{unit}", UNIT, st.sampled_from(units))
            return st.lists(length, min_size=1, max_size=4).map(" ".join)
    return st.sampled_from(sorted(kind.words))


@st.composite
def elements(draw: st.DrawFn, component: Component, depth: int = 0) -> str:
    """One component as it should be, with what it may hold."""
    chosen = draw(st.lists(st.sampled_from(sorted(component.attributes) or ["css-class"]), max_size=4, unique=True))
    kinds = {name: component.attributes.get(name, Kind("text")) for name in chosen}
    written = "".join(f' {name}="{draw(values(kind))}"' for name, kind in kinds.items())
    inside = ""
    if component.holds == "html":
        inside = draw(st.sampled_from(["", "x", "<p>{{ x }}</p>", "<br>", "{% if x %}<b>y</b>{% endif %}"]))
    elif component.holds == "components" and depth < 5:
        allowed = [one for one in KNOWN.values() if component.name in one.within and component.name not in one.refused_within]
        inside = "".join(draw(elements(draw(st.sampled_from(allowed)), depth + 1)) for _ in range(draw(st.integers(0, 3))))
    return f"<{component.name}{written}>{inside}</{component.name}>"


bodies = elements(KNOWN["mj-body"]).map(lambda body: f"<mjml><mj-head><mj-title>x</mj-title></mj-head>\n{body}\n</mjml>")


def compiles(text: str) -> bool:
    try:
        mjml2html(text, fonts={})
    except ValueError:
        return False
    return True


def errors(text: str) -> list[str]:
    return [str(mistake) for mistake in lint(Source("w.mjml", text)) if mistake.severity == "error"]


@settings(deadline=None)
@given(bodies)
def test_a_template_as_mjml_has_it_is_right_and_is_read(text: str) -> None:
    assert errors(text) == []
    assert compiles(text)


@settings(deadline=None)
@given(bodies, st.data())
def test_what_the_compiler_cannot_read_is_an_error(text: str, data: st.DataObject) -> None:
    places = [found.start() for found in re.finditer(r"<|>|\"|=| |/", text)]
    at = data.draw(st.sampled_from(places))
    wrong = data.draw(
        st.sampled_from(["<", ">", '"', "</p>", "<mj-text>", "<mj-image>", "x", "{% x %}", "<mj-social>x</mj-social>"])
    )
    broken = text[:at] + wrong + text[at + data.draw(st.integers(0, 1)) :]
    assert compiles(broken) or errors(broken)

"""What MJML knows: components, where they may stand, what they hold, and the types of their attributes; from mjml.toml."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

Holds = Literal["components", "html", "css", "text", "nothing"]

_NUMBER = r"(?:\d+(?:\.\d*)?|\.\d+)"
_COLOUR = re.compile(
    r"#(?:[0-9a-f]{3}){1,2}|rgb\(\d{1,3}, ?\d{1,3}, ?\d{1,3}\)|rgba\(\d{1,3}, ?\d{1,3}, ?\d{1,3}, ?(?:\d|\d?\.\d{1,3})\)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Kind:
    """The type of an attribute's value, as mjml.toml writes it."""

    written: str

    def accepts(self, value: str) -> bool:
        """Whether a value is of this type."""
        match self.written.split(" "):
            case ["text"]:
                return True
            case ["colour"]:
                return bool(_COLOUR.fullmatch(value)) or value.lower() in mjml().colours
            case ["number"]:
                return value.isdecimal()
            case ["length", *units]:
                return bool(re.fullmatch(_length(units), value))
            case ["signed", "length", *units]:
                return bool(re.fullmatch(f"-?(?:{_length(units)})", value))
            case ["four", "lengths", *units]:
                parts = value.split()
                return 1 <= len(parts) <= 4 and all(re.fullmatch(_length(units), part) for part in parts)
        return value in self.written.split(" | ")

    @property
    def words(self) -> frozenset[str]:
        """The words that a value may be."""
        if self.written == "colour":
            return mjml().colours
        typed = self.written.split(" ")[0] in {"text", "number", "length", "signed", "four"}
        return frozenset() if typed else frozenset(self.written.split(" | "))

    @property
    def wanted(self) -> str:
        """The type in words: "it takes ..."."""
        match self.written.split(" "):
            case ["text"]:
                return "any text"
            case ["colour"]:
                return "a colour, as #0b6e6e, rgb(11, 110, 110) or a CSS name"
            case ["number"]:
                return "a whole number"
            case ["length" | "signed", *units]:
                return f"a length in {_in_words(units)}"
            case ["four", "lengths", *units]:
                return f"one to four lengths in {_in_words(units)}"
        return f"one of {self.written.replace(' | ', ', ')}"


@dataclass(frozen=True, slots=True)
class Component:
    """One component. `within` names those it may stand in, `refused_within` those of them where our compiler cannot read it;
    `ignored` are attributes that it leaves without effect."""

    name: str
    within: tuple[str, ...]
    refused_within: frozenset[str]
    holds: Holds
    attributes: Mapping[str, Kind]
    ignored: frozenset[str]


@dataclass(frozen=True, slots=True)
class Mjml:
    """All of it. `everywhere` are attributes of each component; for `bare_zero` see mjml.toml."""

    version: str
    components: Mapping[str, Component]
    everywhere: frozenset[str]
    bare_zero: frozenset[str]
    colours: frozenset[str]


@cache
def mjml() -> Mjml:
    """MJML as mjml.toml describes it."""
    read = tomllib.loads(Path(__file__).with_name("mjml.toml").read_text(encoding="utf-8"))
    return Mjml(
        version=read["version"],
        components={name: _component(name, table) for name, table in read["components"].items()},
        everywhere=frozenset(read["everywhere"].split()),
        bare_zero=frozenset(read["bare_zero"].split()),
        colours=frozenset(read["colours"].split()),
    )


def _component(name: str, table: dict[str, object]) -> Component:
    types = table.get("attributes", {})
    assert isinstance(types, dict)  # noqa: S101  # our own file
    attributes = {attribute: Kind(kind) for kind, names in types.items() for attribute in names.split()}
    holds: Holds = table["holds"]  # type: ignore[assignment]  # our own file
    return Component(
        name=name,
        within=tuple(_words(table, "within")),
        refused_within=frozenset(_words(table, "refused_within")),
        holds=holds,
        attributes=attributes,
        ignored=frozenset(_words(table, "ignored")),
    )


def _words(table: dict[str, object], key: str) -> list[str]:
    return str(table.get(key, "")).split()


def _length(units: list[str]) -> str:
    """The pattern of one length; a bare 0 has every unit."""
    measured = [re.escape(unit) for unit in units if unit not in {"bare", "auto"}]
    others = (["auto"] if "auto" in units else []) + ([_NUMBER] if "bare" in units else [])
    return "|".join([f"{_NUMBER}(?:{'|'.join(measured)})", "0", *others])


def _in_words(units: list[str]) -> str:
    words = {"bare": "no unit"}
    measured = [words.get(unit, unit) for unit in units if unit not in {"auto", "length"}]
    return " or ".join(measured) + (", or auto" if "auto" in units else "")

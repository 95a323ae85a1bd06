"""Looks: how a preview is looked at. In a query, so that it can be kept, sent to somebody, and needs no script."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Self

from digest.app.edge_cases import CASES

WIDTHS = ("320", "375", "600", "800")
PARTS = ("html", "text", "source", "headers", "inbox")

_ALLOWED: Mapping[str, tuple[str, ...]] = {
    "part": PARTS,
    "mode": ("light", "dark", "inverted"),
    "width": WIDTHS,
    "pictures": ("on", "off"),
    "beside": ("", "last"),
    "case": ("", *CASES),
}


@dataclass(frozen=True, slots=True)
class Look:
    """Which part, in which mode, how wide, with or without pictures, alone or beside the last issue; as whom (a subscriber's number;
    empty: who follows everything), or as which edge case."""

    part: str = "html"
    mode: str = "light"
    width: str = "600"
    pictures: str = "on"
    beside: str = ""
    case: str = ""
    reader: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Self:
        """The look that a query asks for; what it cannot mean is as if it were not there."""
        named = {name: query[name] for name, values in _ALLOWED.items() if query.get(name) in values}
        reader = query.get("reader", "")
        known = reader.isascii() and reader.isdigit() and len(reader) < 16
        return cls(**named, reader=reader if known else "")

    def said(self, **other: str) -> dict[str, str]:
        """What a query says of it, and of what is other in it; nothing that goes without saying."""
        usual, mine = asdict(type(self)()), asdict(self) | other
        return {field.name: mine[field.name] for field in fields(self) if mine[field.name] != usual[field.name]}

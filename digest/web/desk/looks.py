"""Looks: how a preview is looked at. In a query, so that it can be kept, sent to somebody, and needs no script."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Self

WIDTHS = ("320", "375", "600", "800")


@dataclass(frozen=True, slots=True)
class Look:
    """Which part, in which mode, how wide, with or without pictures, as whom (a subscriber's number; empty: who follows everything)."""

    part: str = "html"
    mode: str = "light"
    width: str = "600"
    pictures: str = "on"
    reader: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Self:
        """The look that a query asks for; what it cannot mean is as if it were not there."""
        allowed = {"part": ("html", "text"), "mode": ("light", "dark"), "width": WIDTHS, "pictures": ("on", "off")}
        named = {name: query[name] for name, values in allowed.items() if query.get(name) in values}
        reader = query.get("reader", "")
        known = reader.isascii() and reader.isdigit() and len(reader) < 16
        return cls(**named, reader=reader if known else "")

    def said(self, **other: str) -> dict[str, str]:
        """What a query says of it, and of what is other in it; nothing that goes without saying."""
        usual, mine = asdict(type(self)()), asdict(self) | other
        return {field.name: mine[field.name] for field in fields(self) if mine[field.name] != usual[field.name]}

"""Comparing: an issue beside the average of those before it, each figure as a share of the mails that were taken. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

BEFORE = 10
"""With the average of so many issues, or as many as there are."""

MEASURES = ("delivered", "opened", "clicked", "unsubscribed", "complained", "bounced")
"""What is compared, in this order."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure: how many, and which share that is; the usual share, and of how many issues that is the average. None: nobody knows."""

    name: str
    many: int | None
    share: float | None
    usual: float | None
    among: int


def compare(figures: Mapping[str, Any], before: Sequence[Mapping[str, Any]]) -> tuple[Measure, ...]:
    """Every measure of an issue, with the average of at most ten others."""
    measures = []
    for name in MEASURES:
        shares = [known for one in before[:BEFORE] if (known := share(one, name)) is not None]
        usual = sum(shares) / len(shares) if shares else None
        measures.append(Measure(name, many(figures, name), share(figures, name), usual, len(shares)))
    return tuple(measures)


def many(figures: Mapping[str, Any], name: str) -> int | None:
    """How many; None where it is not known. Who unsubscribed is known by us, whatever a provider tells."""
    found: int | None = figures["left"] if name == "unsubscribed" else figures["told"][name]
    return found


def share(figures: Mapping[str, Any], name: str) -> float | None:
    """The same, of those that were accepted; None where none was."""
    found, accepted = many(figures, name), figures["account"]["accepted"]
    return None if found is None or not accepted else found / accepted

"""What the freeze fixes of an issue, as data: everything after it reads only this."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from typing import Any, Self

from pydantic import TypeAdapter

from digest.issues.selection import Candidate, Rules
from digest.issues.wording import Wording, worded
from digest.rendering.content import IssueContent


@dataclass(frozen=True, slots=True)
class Lag:
    """How far readers lagged behind at the freeze: the lowest coverage point of the issue's frequency, and every article that
    somebody was owed, with the least age that it had for anybody."""

    lowest: int
    owed: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Frozen:
    """What templates saw, what selection may choose from, and by which rules.

    `floor` is the arrival number after which every article is held, and `bounded` whether somebody lags further behind
    than that; `timezone` is the newsletter's. `others` say it in the further languages that it is rendered in. By `lag` an edit
    selects as the freeze did, without asking a million readers anew; older issues have none.
    """

    content: IssueContent
    rules: Rules
    candidates: tuple[Candidate, ...]
    floor: int
    bounded: bool
    template: str
    template_hash: str
    timezone: str
    others: tuple[Wording, ...] = ()
    lag: Lag | None = None

    @property
    def languages(self) -> tuple[str, ...]:
        """Every language that it is rendered in, the newsletter's own first."""
        return (self.content.language, *(other.language for other in self.others))

    def content_in(self, language: str) -> IssueContent:
        """What templates saw in one of its languages."""
        return next((worded(self.content, other) for other in self.others if other.language == language), self.content)

    def retold(self) -> dict[int, frozenset[int]]:
        """For each candidate that shares its story, the others that tell it."""
        told: defaultdict[int, set[int]] = defaultdict(set)
        for one in self.candidates:
            if one.story is not None:
                told[one.story].add(one.id)
        return {one: frozenset(story - {one}) for story in told.values() for one in story}

    def to_json(self) -> dict[str, Any]:
        """Plain data for the store; `from_json` reads it back."""
        plain: dict[str, Any] = _adapter().dump_python(self, mode="json")
        return plain

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """What `to_json` wrote."""
        frozen: Self = _adapter().validate_python(data)
        return frozen


@cache
def _adapter() -> TypeAdapter[Any]:
    return TypeAdapter(Frozen)
